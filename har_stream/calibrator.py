"""har-stream --calibrate: learn from ten seconds of walking how a device sits on the body, and keep it.

    source thread -> BlockQueue -> calibrator thread (pipeline up to the windows, calibration) -> state file

No sink is opened, so that a stream that runs meanwhile goes on undisturbed; it takes up the result by itself.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from threading import Event, Thread
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from har_stream.accounting import Accounting
from har_stream.block_queue import BlockQueue
from har_stream.calibration import WAIT_S, Calibration, CalibrationError, angle_deg
from har_stream.daemon import POLL_S
from har_stream.devices import LAWFUL_ID
from har_stream.errors import ConfigError, HarStreamError
from har_stream.manifest import MANIFEST, MODELS, UprightConstants, load_manifest
from har_stream.parts import fitting_source, load_model
from har_stream.pipeline import Pipeline
from har_stream.samples import Block, Refused, WindowBlock, singly
from har_stream.settings import Settings
from har_stream.state import DeviceMemory, DeviceState
from har_stream.state_file import StateFile
from har_stream.upright import UP, calibrated

MOST_NAMES: Final = 10
"""Devices that are named where the one that is meant does not send."""
END_S: Final = 1.0
"""How long the threads may take to end."""


class Calibrator:
    """The calibration of one device, ready to run. Raises ConfigError or InputError where it cannot be."""

    def __init__(self, settings: Settings, device: str, stop: Event, *, state: Path | None) -> None:
        """Make everything ready; `state` is the folder that keeps the result. Setting `stop` breaks off."""
        if not LAWFUL_ID.fullmatch(device):
            raise ConfigError(f"--calibrate: {device!r} is no device id: letters, digits, _ and -, 64 at most")
        if state is None:
            raise ConfigError(
                "--calibrate: the state that would keep the result is off (as it is for replay: and sim: unless "
                "--state is given): give --state FOLDER"
            )
        self._settings, self._device, self._stop = settings, device, stop
        manifest, classifier = load_model(settings)
        if manifest.upright is None:
            raise ConfigError(f"--calibrate: model {manifest.name} takes no upright reference{_others()}")
        self._constants: UprightConstants = manifest.upright
        self._source = fitting_source(settings, manifest)
        self._file = StateFile(state)
        accounting = Accounting()
        self._pipeline = Pipeline(manifest, classifier, settings.intake, accounting)
        self._calibration = Calibration(device, manifest.framing)
        self._queue = BlockQueue(limit=settings.queues.blocks, paced=self._source.paced, accounting=accounting)
        self._heard_of: set[str] = set()
        self._window_at_s: float | None = None
        self._direction: NDArray[np.float64] | None = None
        self._fault: HarStreamError | None = None
        self._threads: tuple[Thread, ...] = ()

    @property
    def hangs(self) -> bool:
        """Tell whether a thread is still at work after run(), as one in a blocked read is."""
        return any(thread.is_alive() for thread in self._threads)

    def run(self) -> int:
        """Wait for the walk and keep what it tells; returns the exit code, 1 where there was none."""
        _tell(f"waiting for {self._device}")
        self._watch()
        try:
            if self._fault is not None:
                raise self._fault
            if self._direction is None:
                raise CalibrationError(f"{self._device}: ended before there were ten seconds of walking")
            self._keep(self._direction)
        except HarStreamError as error:
            _tell(str(error))
            return error.exit_code
        return 0

    def _watch(self) -> None:
        """Run the threads until there is an outcome, the source ends, nothing comes or a signal does."""
        self._threads = source, worker = (
            Thread(target=self._feed, name="source", daemon=True),
            Thread(target=self._work, name="calibrator", daemon=True),
        )
        begun_s = time.monotonic()
        worker.start()
        source.start()
        while worker.is_alive() and not self._stop.is_set():
            worker.join(POLL_S)
            if time.monotonic() - (self._window_at_s or begun_s) > WAIT_S:
                others = ", ".join(sorted(self._heard_of - {self._device})) or "nobody else"
                self._fault = CalibrationError(
                    f"{self._device}: no motion came from it for {WAIT_S:g} s (from {others}): does it send?"
                )
                break
        self._stop.set()
        self._queue.close()
        for thread in self._threads:
            thread.join(END_S)

    def _feed(self) -> None:
        """Bring the source's blocks to the queue (source thread)."""
        try:
            for tick in self._source.blocks(self._stop):
                self._queue.put(tick)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is told
            self._fault = CalibrationError(f"source {self._settings.source}: failed: {error!r}")
        self._queue.close()

    def _work(self) -> None:
        """Bring ticks to the calibration until it has an outcome (calibrator thread)."""
        try:
            while self._direction is None and (tick := self._queue.get()) is not None:
                blocks = list(singly(tick))
                senders = (block.device for block in blocks if not isinstance(block, Refused))
                self._heard_of.update(device for device in senders if len(self._heard_of) < MOST_NAMES)
                self._take([block for block in blocks if block.device == self._device])
        except HarStreamError as error:
            self._fault = error
        except Exception as error:  # noqa: BLE001 - whatever it is, it is told
            self._fault = CalibrationError(f"{self._device}: failed: {error!r}")
        self._queue.close()

    def _take(self, blocks: list[Block]) -> None:
        if any(isinstance(block, WindowBlock) for block in blocks):
            raise CalibrationError(f"{self._device}: brings windows made elsewhere, which are never turned")
        windows = self._pipeline.frame(blocks, 0.0)
        if windows is None:
            return
        if self._window_at_s is None:
            _tell(f"{self._device}: walk ten seconds, as you usually do; better a little longer than too short")
        self._window_at_s = time.monotonic()
        self._direction = self._calibration.take(windows.values, windows.start_s, windows.begins)

    def _keep(self, direction: NDArray[np.float64]) -> None:
        """Put the reference into the state file, beside whatever else is kept. Raises ConfigError."""
        memory = DeviceMemory(limit=self._settings.intake.max_devices)
        try:
            with self._file.locked():
                for device, state in self._file.read().items():
                    memory.keep(device, state)
                before = memory.get(self._device) or DeviceState()
                upright = calibrated(direction, self._constants)
                memory.keep(self._device, msgspec.structs.replace(before, upright=upright))
                self._file.write(memory.states())
        except OSError as error:
            raise CalibrationError(f"{self._file.path}: {error.strerror}") from None
        turn_deg = angle_deg(direction[np.newaxis], UP)[0]
        line = f"{self._device}: calibrated: its signals will be turned by {turn_deg:.0f} degrees ({self._file.path})"
        print(line, flush=True)  # noqa: T201 - the answer


def _others() -> str:
    """Name the installed models that can be calibrated."""
    models = [path.parent.name for path in sorted(MODELS.glob(f"*/{MANIFEST}")) if load_manifest(path.parent).upright]
    return f"; give --model {' or '.join(models)}" if models else ""


def _tell(line: str) -> None:
    print(f"har-stream: {line}", file=sys.stderr, flush=True)  # noqa: T201 - spoken to the person who walks
