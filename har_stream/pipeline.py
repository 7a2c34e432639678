"""The pipeline: blocks in, predictions out. No I/O, no clock, no threads; time comes in with the data.

intake -> resampling -> denoising -> gravity -> windows -> classifier -> smoothing
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from har_stream.accounting import Accounting
from har_stream.activities import WALKING
from har_stream.batch import NEW, Batch, turns
from har_stream.bridging import Bridging, UniformBatch
from har_stream.classifier import Classifying
from har_stream.devices import LAWFUL_ID, UNKNOWN_ROW, DeviceTable
from har_stream.framed import FramedWindows, concatenate, ready_made
from har_stream.framer import Framer
from har_stream.intake import Intake
from har_stream.labelling import Labelling
from har_stream.manifest import Manifest
from har_stream.plausibility import Plausibility, Suspicion
from har_stream.predictions import Predictions
from har_stream.presence import Presence
from har_stream.references import References
from har_stream.resampling import Resampling
from har_stream.samples import (
    Block,
    FleetBlock,
    Prediction,
    Refused,
    Rows,
    SampleBlock,
    Tick,
    TimedBlock,
    WindowBlock,
    singly,
    with_times,
)
from har_stream.settings import IntakeSettings
from har_stream.smoothing import Smoothed
from har_stream.taps import Taps
from har_stream.upright import Upright

GOES_ON: Final = np.zeros(1, np.bool_)
"""A stream of one device does not begin anew."""


class Pipeline:
    """All stages between sources and sinks, with the state of up to max_devices devices."""

    def __init__(
        self, manifest: Manifest, classifier: Classifying, settings: IntakeSettings, accounting: Accounting
    ) -> None:
        framing, rows = manifest.framing, settings.max_devices
        self._labels = manifest.labels
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
        self._classifier = classifier
        self._labelling = Labelling(manifest, self._devices, rows=rows)
        self.resumption = self._labelling.resumption
        self._upright = Upright(manifest.upright, rows=rows) if manifest.upright else None
        self._plausibility = Plausibility(rows=rows)
        self.presence = Presence(self._devices, self._plausibility)
        self.taps = Taps(self._devices.find, rate_hz=framing.rate_hz)
        self._framer = Framer(manifest.filters, framing, self.taps, accounting, rows=rows)
        self._unchecked: list[FramedWindows] = []
        self._news: list[tuple[str, Suspicion]] = []
        self.references = References(self._upright, self._devices, limit=rows)
        self._ready_made = np.zeros(rows, np.bool_)
        self._timed = np.zeros(rows, np.bool_)
        self._has_truth = np.zeros(rows, np.bool_)
        self._predictions = Predictions(manifest.labels, framing, self._devices.name, self._has_truth)

    @property
    def buffered(self) -> int:
        """Samples that have come in and wait for their first window."""
        return self._framer.buffered + self._resampling.buffered

    def knows(self, device: str) -> bool:
        """Tell whether a device has a place here."""
        return self._devices.find(device) is not None

    def push(self, tick: Tick, now_s: float) -> list[Prediction]:
        """Take the blocks of one tick at arrival time now_s, give the predictions that they complete."""
        self._check()
        windows = self.frame(tick, now_s)
        return self.predict(windows) if windows is not None else []

    def frame(self, tick: Tick, now_s: float) -> FramedWindows | None:
        """Take the blocks of one tick, give the windows that they complete, as they came; None where there is none."""
        batches = self._next_sample(tick, now_s)
        if batches is not None:
            windows = [self._framer.push(UniformBatch(batch, GOES_ON)) for batch in batches]
            return windows[0] if windows and len(windows[0].rows) else None
        fleets, blocks = self._fleets(tick, now_s)
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
        windows += [self._framer.push(batch) for batch in self._uniform(fleets, uniform, self._intake.sifted(timed))]
        for row, values in self._intake.out_of_range():
            self._suspect(self._plausibility.check_refused(row, values))
        ready = [part for part in windows if len(part.rows)]
        return concatenate(ready) if ready else None

    def _next_sample(self, tick: Tick, now_s: float) -> list[Batch] | None:
        """Take a tick that is one more sample of one device; None where there is anything else in it or to see to."""
        block = tick[0] if len(tick) == 1 else None
        if not isinstance(block, TimedBlock) or len(block.values) != 1:
            return None
        row = self._devices.find(block.device)
        if row is None or self._ready_made[row] or not self._intake.is_sound(block):
            return None
        batches = self._resampling.next_of(row, block)
        if batches is not None:
            self._devices.row(block.device, now_s)
            self._has_truth[row] = block.truth is not None
        return batches

    def _fleets(self, tick: Tick, now_s: float) -> tuple[list[tuple[Rows, FleetBlock]], Iterable[Block]]:
        """Return, with their rows, the fleets of devices that have a place and nothing else in a tick; and the rest."""
        fleets = [block for block in tick if isinstance(block, FleetBlock)]
        others: list[Block] = [block for block in tick if not isinstance(block, FleetBlock)]
        if not fleets:
            return [], others
        names = [device for fleet in fleets for device in fleet.devices]
        names += [block.device for block in others if not isinstance(block, Refused)]
        if len(set(names)) < len(names) or not all(map(self._intake.at_models_rate, fleets)):
            return [], singly(tick)
        placed = []
        for fleet in fleets:
            rows = self._devices.rows_of(fleet.devices, now_s)
            here = rows != UNKNOWN_ROW
            if not here.all():
                others += fleet.only(~here).singles()
            known = rows[here]
            self._has_truth[known] = False
            placed += [(known, fleet if here.all() else fleet.only(here))] if len(known) else []
        return placed, others

    def _uniform(
        self,
        fleets: Sequence[tuple[Rows, FleetBlock]],
        uniform: Sequence[tuple[int, SampleBlock]],
        timed: Sequence[tuple[int, TimedBlock]],
    ) -> Iterator[UniformBatch]:
        """Give blocks, with their rows, as batches at the model's rate; a device that changes its kind begins anew."""
        if uniform or fleets:
            alone = np.array([row for row, _ in uniform], np.intp)
            self._change_kind(np.concatenate([alone, *(rows for rows, _ in fleets)]), timed=False)
            for batch in self._intake.admit(uniform, fleets):
                yield from self._bridging.push(batch)
        if timed:
            self._change_kind(np.array([row for row, _ in timed], np.intp), timed=True)
            for batch in self._resampling.push(timed):
                yield UniformBatch(batch, batch.missing == NEW)

    def _change_kind(self, rows: Rows, *, timed: bool) -> None:
        """Let devices begin anew whose samples had times of their own and have none any more, or the other way."""
        self._ready_made[rows] = False
        for row in rows[self._timed[rows] != timed].tolist():
            self._accounting.drop("gap", self._resampling.forget(row))
            self._intake.forget(row)
        self._timed[rows] = timed

    def news(self) -> list[tuple[str, Suspicion]]:
        """Return what began or ended to seem wrong since the last call: devices and what is held against them now."""
        self._check()
        told, self._news = self._news, []
        return told

    def _check(self) -> None:
        """Do what can wait until labels are out: what is for the next ones, and look whether windows are plausible."""
        if not self._unchecked:
            return
        self._labelling.settle()
        if self._upright is not None:
            self._upright.settle()
        unchecked, self._unchecked = self._unchecked, []
        for part in unchecked:
            self._suspect(self._plausibility.check(part.rows, part.values))

    def _suspect(self, found: list[tuple[int, Suspicion]]) -> None:
        self._news += [(self._devices.name(row), suspicion) for row, suspicion in found]

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
            self.references.begin(row, block.device)
        return row

    def _evict(self, row: int) -> None:
        self._accounting.drop("evicted", self._framer.forget(row))
        self.references.remember([row])
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

    def predict(self, windows: FramedWindows) -> list[Prediction]:
        """Classify and smooth; in turns of one window a device, where each may turn the next one upright."""
        places = turns(windows.rows)
        self._unchecked = parts = [windows] if len(places) == 1 else [windows.only(turn) for turn in places]
        if self._upright is None and len(parts) > 1:
            told, every = self._predictions.of(windows, *self._classify(windows)), np.arange(len(windows.rows))
            return [told[at] for turn in places for at in every[turn].tolist()]
        return [one for part in parts for one in self._predictions.of(part, *self._classify(part))]

    def _classify(self, windows: FramedWindows) -> tuple[NDArray[np.float32], Smoothed, list[float]]:
        upright, values = self._upright, windows.values
        if upright is not None:
            values = upright.turn(windows.rows, values)
        probabilities = self._classifier.probabilities(values)
        if upright is not None:
            # Windows made elsewhere are not turned: each row of UCI HAR gets what the model says of it.
            walking = probabilities[:, self._labels.index(WALKING)]
            ready_made = self._ready_made.take(windows.rows)
            if np.count_nonzero(ready_made):
                walking = np.where(ready_made, np.float32(-1), walking)
            if np.count_nonzero(windows.begins):
                upright.pause(windows.rows[windows.begins])
            upright.learn(windows.rows, windows.values, walking)
        return probabilities, *self._labelling.push(windows, probabilities)
