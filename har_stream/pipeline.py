"""The pipeline: blocks in, predictions out. No I/O, no clock, no threads; time comes in with the data.

intake -> resampling -> denoising -> gravity -> windows -> classifier -> smoothing
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray

from har_stream.accounting import Accounting
from har_stream.activities import WALKING
from har_stream.batch import GROUP, NEW, laps
from har_stream.bridging import Bridging, UniformBatch
from har_stream.classifier import Classifying
from har_stream.devices import LAWFUL_ID, DeviceTable
from har_stream.framed import FramedWindows, concatenate, majority_of_last_half, ready_made
from har_stream.intake import Intake
from har_stream.labelling import Labelling
from har_stream.manifest import Manifest
from har_stream.plausibility import Plausibility, Suspicion
from har_stream.predictions import Predictions
from har_stream.preprocessing import Preprocessing
from har_stream.presence import Presence
from har_stream.resampling import Resampling
from har_stream.samples import Block, Prediction, Refused, SampleBlock, TimedBlock, WindowBlock, with_times
from har_stream.settings import IntakeSettings
from har_stream.smoothing import Smoothed
from har_stream.state import DeviceMemory, DeviceState, States
from har_stream.taps import Taps
from har_stream.upright import Upright


class Pipeline:
    """All stages between sources and sinks, with the state of up to max_devices devices."""

    def __init__(
        self, manifest: Manifest, classifier: Classifying, settings: IntakeSettings, accounting: Accounting
    ) -> None:
        framing, rows = manifest.framing, settings.max_devices
        self._labels, self._framing = manifest.labels, framing
        self._accounting = accounting
        self._devices = DeviceTable(max_devices=rows, idle_s=settings.idle_s)
        self._intake = Intake(settings, accounting, rate_hz=framing.rate_hz)
        self._resampling = Resampling(
            rate_hz=framing.rate_hz,
            max_gap_s=settings.max_gap_s,
            rewind_s=settings.rewind_s,
            rows=rows,
            accounting=accounting,
        )
        self._bridging = Bridging(rate_hz=framing.rate_hz, max_gap_s=settings.max_gap_s, rows=rows)
        self._preprocessing = Preprocessing(manifest.filters, framing, rows=rows)
        self._classifier = classifier
        self._labelling = Labelling(manifest, self._devices, rows=rows)
        self.resumption = self._labelling.resumption
        self._upright = Upright(manifest.upright, rows=rows) if manifest.upright else None
        self._plausibility = Plausibility(rows=rows)
        self.presence = Presence(self._devices, self._plausibility)
        self.taps = Taps(self._devices.find, rate_hz=framing.rate_hz)
        self._news: list[tuple[str, Suspicion]] = []
        self._memory = DeviceMemory(limit=rows)
        self._ready_made = np.zeros(rows, np.bool_)
        self._timed = np.zeros(rows, np.bool_)
        self._origin_s = np.zeros(rows)
        self._pushed = np.zeros(rows, np.int64)
        self._pending = np.zeros(rows, np.int64)
        self._has_truth = [False] * rows
        self._predictions = Predictions(manifest.labels, framing, self._devices.name, self._has_truth)

    @property
    def buffered(self) -> int:
        """Samples that have come in and wait for their first window."""
        return int(self._pending.sum()) + self._resampling.buffered

    def knows(self, device: str) -> bool:
        """Tell whether a device has a place here."""
        return self._devices.find(device) is not None

    def upright_of(self, device: str) -> NDArray[np.float64] | None:
        """Return where gravity (3,) points while a device's body walks, None where that was not learned."""
        row = self._devices.find(device)
        if row is None or self._upright is None:
            return None
        (known,) = self._upright.snapshot(np.array([row]))
        return np.array(known.gravity) if known is not None else None

    def push(self, blocks: Iterable[Block], now_s: float) -> list[Prediction]:
        """Take the blocks of one tick at arrival time now_s, give the predictions that they complete."""
        windows = self.frame(blocks, now_s)
        return self._predict(windows) if windows is not None else []

    def frame(self, blocks: Iterable[Block], now_s: float) -> FramedWindows | None:
        """Take the blocks of one tick, give the windows that they complete, as they came; None where there is none."""
        uniform: list[tuple[int, SampleBlock]] = []
        timed: list[tuple[int, TimedBlock]] = []
        windows = []
        for block in blocks:
            row = self._row(block, now_s)
            if row is None or isinstance(block, Refused):
                continue
            if isinstance(block, WindowBlock):
                self._ready_made[row] = True
                windows.append(self._take(row, block))
            elif isinstance(block, TimedBlock):
                timed.append((row, block))
            elif self._intake.at_other_rate(block):
                timed.append((row, with_times(block)))
            elif self._intake.lawful(block):
                uniform.append((row, block))
        windows += [self._preprocess(batch) for batch in self._uniform(uniform, self._intake.sifted(timed))]
        for row, values in self._intake.out_of_range():
            self._suspect(self._plausibility.check_refused(row, values))
        ready = [part for part in windows if len(part.rows)]
        return concatenate(ready) if ready else None

    def _uniform(
        self, uniform: Sequence[tuple[int, SampleBlock]], timed: Sequence[tuple[int, TimedBlock]]
    ) -> Iterator[UniformBatch]:
        """Give (row, block) pairs as batches at the model's rate; a device that changes from one kind begins anew."""
        self._change_kind(uniform, timed=False)
        self._change_kind(timed, timed=True)
        for batch in self._intake.admit(uniform):
            yield from self._bridging.push(batch)
        for batch in self._resampling.push(timed):
            yield UniformBatch(batch, batch.missing == NEW)

    def _change_kind(self, blocks: Sequence[tuple[int, Block]], *, timed: bool) -> None:
        """Let devices begin anew whose samples had times of their own and have none any more, or the other way."""
        array = np.array([row for row, _ in blocks], np.intp)
        self._ready_made[array] = False
        for row in array[self._timed[array] != timed].tolist():
            self._accounting.drop("gap", self._resampling.forget(row))
            self._intake.forget(row)
        self._timed[array] = timed

    def news(self) -> list[tuple[str, Suspicion]]:
        """Return what began or ended to seem wrong since the last call: devices and what is held against them now."""
        told, self._news = self._news, []
        return told

    def _suspect(self, found: list[tuple[int, Suspicion]]) -> None:
        self._news += [(self._devices.name(row), suspicion) for row, suspicion in found]

    def snapshot(self) -> States:
        """Return what is to be kept of every device, present ones and those that gave way, the longest idle first."""
        self._remember(self._devices.rows())
        return self._memory.states()

    def restore(self, states: States) -> None:
        """Take what was kept of devices, whether they are present or yet to come."""
        for device, state in states.items():
            self._memory.keep(device, state)
            row = self._devices.find(device)
            if row is not None:
                self._recall(row, state)

    def _remember(self, rows: list[int]) -> None:
        if self._upright is None:
            return
        for row, upright in zip(rows, self._upright.snapshot(np.array(rows, np.intp)), strict=True):
            if upright is not None:
                device = self._devices.name(row)
                before = self._memory.get(device) or DeviceState()
                self._memory.keep(device, msgspec.structs.replace(before, upright=upright))

    def _recall(self, row: int, state: DeviceState) -> None:
        if self._upright is not None and state.upright is not None:
            self._upright.restore(row, state.upright)

    def _row(self, block: Block, now_s: float) -> int | None:
        """Return the row of a block's device, a new one if need be; None where there is nothing in it for a row."""
        if isinstance(block, Refused):
            self._accounting.refuse(block.reason, block.samples)
            return None
        if not block.samples:
            return None
        row = self._known_row(block, now_s)
        if row is not None:
            self._has_truth[row] = block.truth is not None
        return row

    def _known_row(self, block: SampleBlock | TimedBlock | WindowBlock, now_s: float) -> int | None:
        row = self._devices.row(block.device, now_s)
        if row is not None:
            return row
        if not LAWFUL_ID.fullmatch(block.device):
            self._accounting.refuse("device_id", block.samples)
            return None
        row = self._devices.add(block.device, now_s)
        if row is None and (idlest := self._devices.idlest(now_s)) is not None:
            self._evict(idlest)
            row = self._devices.add(block.device, now_s)
        if row is None:
            self._accounting.refuse("max_devices", block.samples)
            self.presence.refuse(block.device, now_s)
        else:
            self.presence.welcome(block.device)
            self.resumption.begin(row, now_s)
            self._begin_device(row, block.device)
        return row

    def _begin_device(self, row: int, device: str) -> None:
        """Begin a row for a device with what is remembered of it."""
        if self._upright is not None:
            self._upright.reset(np.array([row]))
        state = self._memory.get(device)
        if state is not None:
            self._recall(row, state)

    def _evict(self, row: int) -> None:
        self._accounting.drop("evicted", int(self._pending[row]))
        self._pending[row] = 0
        self._remember([row])
        self._accounting.drop("evicted", self._resampling.forget(row))
        self._devices.remove(row)
        self._plausibility.forget(row)
        self._intake.forget(row)

    def _take(self, row: int, block: WindowBlock) -> FramedWindows:
        """Take ready-made windows, but for those that hold what the intake would not let pass."""
        good = self._intake.lawful_windows(block)
        self._accounting.use(int(block.fresh[good].sum()))
        self.taps.take_windows(block)
        return ready_made(row, block, good)

    def _preprocess(self, uniform: UniformBatch) -> FramedWindows:
        """Filter and frame samples at the model's rate, and keep the books on them."""
        batch, rows = uniform.batch, uniform.batch.rows
        if uniform.begins.any():
            self._begin(uniform)
        samples = batch.values.shape[1]
        # Anchored anew by every block: a device's clock may be off the model's by what the intake lets pass.
        self._origin_s[rows] = batch.start_s - self._pushed[rows] / self._framing.rate_hz
        self._pushed[rows] += samples
        before = self._preprocessing.pending(rows)
        windows = self._preprocessing.push(rows, batch.values, batch.truth)
        self.taps.take(rows, batch.start_s, uniform.begins, self._preprocessing.channels)
        after = self._preprocessing.pending(rows)
        self._accounting.bridge(uniform.bridged)
        self._settle_books(uniform, completed=after < before + samples, tail=after)
        return FramedWindows(
            windows.rows,
            windows.values,
            self._origin_s[windows.rows] + windows.start / self._framing.rate_hz,
            windows.index == 0,
            majority_of_last_half(windows.truth),
        )

    def _begin(self, uniform: UniformBatch) -> None:
        """Let the streams that begin anew begin; what waited for a window gets none."""
        fresh = uniform.batch.only(uniform.begins)
        self._accounting.drop("gap", int(self._pending[fresh.rows].sum()))
        self._pending[fresh.rows] = 0
        self._pushed[fresh.rows] = 0
        self._preprocessing.reset(fresh.rows, fresh.values[:, 0])

    def _settle_books(self, uniform: UniformBatch, *, completed: NDArray[np.bool_], tail: NDArray[np.int64]) -> None:
        """Count as used what windows took; of the tail after a window only the device's own samples wait."""
        batch, rows = uniform.batch, uniform.batch.rows
        own, waits = batch.values.shape[1] - uniform.bridged, np.minimum(tail, batch.values.shape[1] - uniform.bridged)
        if batch.stands_for is not None:
            number = np.arange(batch.stands_for.shape[1])
            own = batch.stands_for.sum(axis=1)
            waits = np.where(number >= len(number) - tail[:, np.newaxis], batch.stands_for, 0).sum(axis=1)
        waiting = self._pending[rows] + own
        self._pending[rows] = np.where(completed, waits, waiting)
        self._accounting.use(int((waiting - self._pending[rows]).sum()))

    def _predict(self, windows: FramedWindows) -> list[Prediction]:
        """Classify and smooth; in turns of one window a device, where each may turn the next one upright.

        A turn has no more than GROUP windows, which bounds memory and stays in the processor's caches.
        """
        turns = [lap[at : at + GROUP] for lap in laps(windows.rows) for at in range(0, len(lap), GROUP)]
        for turn in turns:
            self._suspect(self._plausibility.check(windows.rows[turn], windows.values[turn]))
        if self._upright is None:
            return self._predictions.of(windows, *self._classify(windows), np.concatenate(turns))
        told = []
        for turn in turns:
            part = windows.only(turn)
            told += self._predictions.of(part, *self._classify(part), np.arange(len(turn)))
        return told

    def _classify(self, windows: FramedWindows) -> tuple[NDArray[np.float32], Smoothed, NDArray[np.float64]]:
        upright, values = self._upright, windows.values
        if upright is not None:
            values = upright.turn(windows.rows, values)
        probabilities = self._classifier.probabilities(values)
        if upright is not None:
            # Windows made elsewhere are not turned: each row of UCI HAR gets what the model says of it.
            walking = probabilities[:, self._labels.index(WALKING)]
            walking = np.where(self._ready_made[windows.rows], np.float32(-1), walking)
            upright.pause(windows.rows[windows.begins])
            upright.learn(windows.rows, windows.values, walking)
        return probabilities, *self._labelling.push(windows, probabilities)
