"""Ticks into recordings, a file a device and the next one when it is full."""

from __future__ import annotations

import logging
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final

import numpy as np

from har_stream.arrivals import placeable, timed, uniform
from har_stream.ordering import Run, joined
from har_stream.recording_file import RecordingFile
from har_stream.samples import Block, SampleBlock, TimedBlock, WindowBlock, same_rate, with_times

MEMBER_SAMPLES: Final = 4096
"""Most samples written at once: a file's size is looked at before each."""
MB: Final = 1e6
HOUR_S: Final = 3600.0

Tick = Sequence[Block]

log = logging.getLogger(__name__)


class Recordings:
    """The recordings of all devices in a folder, each file of at most max_mb and begun at most max_h ago.

    Of the max_devices that came last it is known which file is theirs; one that comes back after that begins another.
    rate_hz is the model's rate, rewind_s what the pipeline takes for a clock set back.
    """

    def __init__(
        self, folder: Path, *, max_mb: float, max_h: float, max_devices: int, rate_hz: float, rewind_s: float
    ) -> None:
        self.folder, self._rate_hz = folder, rate_hz
        self._max_bytes, self._max_s = max_mb * MB, max_h * HOUR_S
        self._max_devices, self._rewind_s = max_devices, rewind_s
        self._devices: OrderedDict[str, _Device] = OrderedDict()
        self._told_of_windows = False
        self.recorded = self.files = 0

    def write(self, ticks: Iterable[Tick]) -> OSError | None:
        """Write what came of each device; returns why some of it could not be written, if so."""
        runs: dict[_Device, list[Run]] = {}
        for tick in ticks:
            for device, run in self._runs(tick):
                runs.setdefault(device, []).append(run)
        fault: OSError | None = None
        for device, some in runs.items():
            run = joined(some)
            for start in range(0, len(run.times_s), MEMBER_SAMPLES):
                fault = self._append(device, run.only(slice(start, start + MEMBER_SAMPLES))) or fault
        return fault

    def _runs(self, tick: Tick) -> Iterator[tuple[_Device, Run]]:
        """Yield the samples of each device in a tick, those of uniform blocks first, as the pipeline takes them."""
        together: dict[str, list[TimedBlock]] = {}
        for block in tick:
            if isinstance(block, WindowBlock):
                self._tell_of_windows(block.device)
            elif isinstance(block, SampleBlock) and placeable(block) and same_rate(block.rate_hz, self._rate_hz):
                device = self._device(block)
                device.newest_s = np.nan
                yield device, uniform(block)
            elif isinstance(block, SampleBlock) and placeable(block):
                together.setdefault(block.device, []).append(with_times(block))
            elif isinstance(block, TimedBlock):
                together.setdefault(block.device, []).append(block)
        for blocks in together.values():
            device = self._device(blocks[0])
            run, device.newest_s = timed(blocks, device.newest_s, rewind_s=self._rewind_s)
            yield device, run

    def _device(self, block: SampleBlock | TimedBlock) -> _Device:
        if block.device not in self._devices:
            self._devices[block.device] = _Device(block.device)
            if len(self._devices) > self._max_devices:
                self._devices.popitem(last=False)
        self._devices.move_to_end(block.device)
        device = self._devices[block.device]
        device.labelled |= block.truth is not None
        return device

    def _append(self, device: _Device, run: Run) -> OSError | None:
        """Write a run of samples to a device's file, or return why not."""
        try:
            if self._file_of(device).age_s > self._max_s:
                device.file = None
            member = self._file_of(device).member(run)
            if self._file_of(device).size + len(member) > self._max_bytes:
                device.file = None
                member = self._file_of(device).member(run)
            self._write_member(device, member)
        except OSError as error:
            return error
        self.recorded += len(run.times_s)
        return None

    def _write_member(self, device: _Device, member: bytes) -> None:
        file = self._file_of(device)
        begins = file.path is None
        try:
            file.append(member)
        except OSError as error:
            if file.broken or isinstance(error, FileNotFoundError):  # it was taken away: the next one is another
                device.file = None
            raise
        self.files += begins

    def _file_of(self, device: _Device) -> RecordingFile:
        if device.file is None or device.labelled > device.file.labelled:
            device.file = RecordingFile(self.folder, device.name, labelled=device.labelled)
        return device.file

    def _tell_of_windows(self, device: str) -> None:
        if not self._told_of_windows:
            log.warning("record: %s: ready-made windows (UCI HAR) hold no raw samples and are not recorded", device)
        self._told_of_windows = True


class _Device:
    """Where a device's samples go: with the first that carry a label a file with labels begins, and all after it."""

    def __init__(self, name: str) -> None:
        self.name, self.labelled = name, False
        self.newest_s = np.nan
        self.file: RecordingFile | None = None
