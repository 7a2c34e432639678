"""Samples with times of their own, at whatever rate, become samples at the model's uniform rate. Causal.

    TimedBlocks -> put in order -> runs without a gap -> [fine grid -> low-pass ->] the model's grid -> Batch

The grid begins at a stream's first sample and goes by the device's clock. Between two samples the line through them
is taken; where a sample stands on the grid it passes unchanged, bit for bit, so that a device of exactly the model's
rate is not touched. A device that is clearly faster than the model's rate is first put on a grid 2, 4, 8 ... times as
fine, and a low-pass (Butterworth, order 8, 23 Hz at 50) takes away what would come back as a lower frequency; the grid
is shifted by this filter's delay, so that a sample's time is still that of the motion it shows.

A stream begins anew after a gap longer than max_gap_s and where the clock was set back by more than rewind_s. Shorter
gaps are bridged by the same line. What is out of order is the business of ordering.py.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from har_stream.accounting import Accounting
from har_stream.activities import UNLABELLED
from har_stream.batch import NEW, Batch
from har_stream.butterworth import ButterworthLowPass
from har_stream.grid import LOW_PASS_CUTOFF, LOW_PASS_ORDER, Grid, Points
from har_stream.interpolation import interpolate
from har_stream.manifest import LowPass
from har_stream.ordering import Run, in_order, joined
from har_stream.samples import SENSOR_AXES, Rows, TimedBlock

RATE_SAMPLES: Final = 8
"""From so many samples a rate is told, where the device does not tell it."""
LONGEST_INTERVAL_S: Final = 0.1
"""From sample to sample at a rate that is not known yet."""
FASTER: Final = 1.2
"""A device up to so many times a grid's rate needs no finer one: what could come back is above 20 Hz, where the noise
filter takes it away."""
MUCH_FASTER: Final = 1.5
"""A device so many times its grid's rate was misjudged, or has changed: it begins anew on a finer one."""
CHECKED_SAMPLES: Final = 64
"""Over so many samples at least a rate is measured to check it."""
FINEST: Final = 32
"""Points of the finest grid in each interval of the model's."""
ON_GRID: Final = 1e-3
"""In intervals of a grid: a point so little after the newest sample is reached."""
WIDE: Final = 2.5
"""In the device's own intervals: what is interpolated between samples farther apart is a bridged gap."""


class Resampling:
    """Grids, last samples and low-passes of `rows` devices."""

    def __init__(self, *, rate_hz: float, max_gap_s: float, rewind_s: float, rows: int, accounting: Accounting) -> None:
        self._rate_hz, self._max_gap_s, self._rewind_s, self._accounting = rate_hz, max_gap_s, rewind_s, accounting
        self._grids = {fine: Grid.of(fine, rate_hz) for fine in (1 << np.arange(FINEST.bit_length())).tolist()}
        self._low_passes: dict[int, ButterworthLowPass] = {}
        self._rows = rows
        self._fine = np.ones(rows, np.int64)
        self._interval_s = np.full(rows, LONGEST_INTERVAL_S)
        self._origin_s = np.full(rows, np.nan)
        self._next = np.zeros(rows, np.int64)
        self._last_s = np.full(rows, np.nan)
        self._last = np.zeros((rows, SENSOR_AXES), np.float32)
        self._last_truth = np.zeros(rows, np.uint8)
        self._pending = np.zeros(rows, np.int64)
        self._checked_s = np.zeros(rows)
        self._unchecked = np.zeros(rows, np.int64)
        self._measured_s = np.full(rows, np.nan)
        self._waiting: dict[int, Run] = {}

    @property
    def buffered(self) -> int:
        """Samples that no sample at the model's rate stands for yet."""
        return int(self._pending.sum())

    def forget(self, row: int) -> int:
        """Know nothing more of whoever had a row; returns how many samples are lost."""
        self._measured_s[row] = np.nan
        return self._end(row)

    def _end(self, row: int) -> int:
        """Take whatever comes next in a row as the beginning of a stream; returns how many samples are lost."""
        lost = int(self._pending[row])
        self._waiting.pop(row, None)
        self._pending[row] = 0
        self._origin_s[row] = self._last_s[row] = np.nan
        self._interval_s[row] = LONGEST_INTERVAL_S
        return lost

    def push(self, blocks: Sequence[tuple[int, TimedBlock]]) -> Iterator[Batch]:
        """Take (row, block) pairs of lawful samples in order of arrival, give what they complete."""
        told: dict[int, float | None] = {}
        parts: dict[int, list[Run]] = {}
        for row, block in blocks:
            truth = np.full(block.samples, UNLABELLED, np.uint8) if block.truth is None else block.truth
            parts.setdefault(row, []).append(Run(block.times_s, block.values, truth))
            told[row] = block.rate_hz
        runs = {row: joined(some) for row, some in parts.items() if any(len(run.times_s) for run in some)}
        smooth = self._go_on(runs)
        if smooth:
            yield from self._advance(smooth)
        for row in runs.keys() - smooth.keys():
            yield from self._in_order(row, runs[row], told[row])

    def _go_on(self, runs: dict[int, Run]) -> dict[int, Run]:
        """Return those of the runs that go on where their streams were, in order and without a gap."""
        if not runs:
            return {}
        rows = np.array(list(runs), np.intp)
        lengths = np.array([len(run.times_s) for run in runs.values()])
        steps = np.diff(np.concatenate([run.times_s for run in runs.values()]), prepend=np.nan)
        starts = np.cumsum(lengths) - lengths
        steps[starts] = [run.times_s[0] for run in runs.values()] - self._last_s[rows]
        limits_s = self._max_gap_s + self._interval_s[rows]
        good = (np.minimum.reduceat(steps, starts) > 0) & (np.maximum.reduceat(steps, starts) <= limits_s)
        good &= ~np.isnan(self._origin_s[rows])
        return {row: run for row, run, well in zip(runs, runs.values(), good.tolist(), strict=True) if well}

    def _in_order(self, row: int, run: Run, told_hz: float | None) -> Iterator[Batch]:
        """Take one device's samples piece by piece; each that begins anew waits until its rate is known."""
        limit_s = self._max_gap_s + (1 / told_hz if told_hz else float(self._interval_s[row]))
        pieces = in_order(
            run,
            float(self._last_s[row]),
            limit_s=limit_s,
            rewind_s=self._rewind_s,
            refuse=self._accounting.refuse,
        )
        for anew, piece in pieces:
            if anew:
                self._accounting.drop("gap", self._end(row))
            if np.isnan(self._origin_s[row]):
                waited = [self._waiting[row], piece] if row in self._waiting else [piece]
                yield from self._begin(row, joined(waited), told_hz, new=len(piece.times_s))
            else:
                yield from self._advance({row: piece})

    def _begin(self, row: int, run: Run, told_hz: float | None, *, new: int) -> Iterator[Batch]:
        """Begin a stream with the samples that waited, `new` of them just now, once its rate is known."""
        interval_s = self._interval_of(row, run, told_hz)
        if interval_s is None:
            self._waiting[row] = run
            self._pending[row] += new
            self._last_s[row] = run.times_s[-1]
            return
        self._waiting.pop(row, None)
        self._pending[row] = 0
        self._settle(row, interval_s)
        self._origin_s[row] = self._checked_s[row] = run.times_s[0]
        self._next[row] = self._unchecked[row] = 0
        if self._fine[row] > 1:
            self._low_pass(int(self._fine[row])).reset(np.array([row]), run.values[:1].astype(np.float64))
        yield from self._advance({row: run}, begins=True)

    def _interval_of(self, row: int, run: Run, told_hz: float | None) -> float | None:
        """Return the time from sample to sample: as measured, else as told, else of the first samples, if enough."""
        if not np.isnan(self._measured_s[row]):
            return float(self._measured_s[row])
        if told_hz is not None:
            return 1 / told_hz
        enough = len(run.times_s) >= RATE_SAMPLES
        return float(np.median(np.diff(run.times_s[:RATE_SAMPLES]))) if enough else None

    def _settle(self, row: int, interval_s: float) -> None:
        """Take the interval from sample to sample, and the coarsest grid that serves it."""
        self._interval_s[row] = interval_s
        serves = [fine for fine, grid in self._grids.items() if grid.interval_s <= FASTER * interval_s]
        self._fine[row] = min(serves, default=FINEST)

    def _low_pass(self, fine: int) -> ButterworthLowPass:
        """Return the low-pass of a grid; most grids are never needed."""
        if fine not in self._low_passes:
            self._low_passes[fine] = ButterworthLowPass(
                LowPass(LOW_PASS_ORDER, LOW_PASS_CUTOFF * self._rate_hz),
                rate_hz=fine * self._rate_hz,
                initial_state="first-sample",
                rows=self._rows,
                axes=SENSOR_AXES,
            )
        return self._low_passes[fine]

    def _advance(self, runs: dict[int, Run], *, begins: bool = False) -> Iterator[Batch]:
        """Take samples in order, without a gap, a device each; give what they complete at the model's rate."""
        rows = np.array(list(runs), np.intp)
        now, later = self._until_faster(rows, runs)
        points = self._at_model_rate(rows, self._on_grids(rows, list(now.values()), begins=begins))
        self._pending[rows] += [len(run.times_s) for run in now.values()]
        if len(points.lane):
            yield from self._batches(rows, points)
        for row, run in later.items():
            self._accounting.drop("rate_risen", self._end(row))
            if len(run.times_s):
                yield from self._begin(row, run, None, new=len(run.times_s))

    def _on_grids(self, rows: Rows, runs: list[Run], *, begins: bool) -> Points:
        """Interpolate at the points of each device's grid that its samples have reached."""
        if not begins:
            runs = [self._after_last(row, run) for row, run in zip(rows.tolist(), runs, strict=True)]
        grids = [self._grids[fine] for fine in self._fine[rows].tolist()]
        interval_s = np.array([grid.interval_s for grid in grids])
        phase_s = np.array([grid.phase_s for grid in grids])
        elapsed_s = np.array([run.times_s[-1] for run in runs]) - self._origin_s[rows]
        reached = np.floor((elapsed_s - phase_s) / interval_s + ON_GRID).astype(np.int64) + 1
        counts = np.maximum(0, reached - self._next[rows])
        lane = np.repeat(np.arange(len(rows)), counts)
        number = np.arange(len(lane)) - np.repeat(np.cumsum(counts) - counts - self._next[rows], counts)
        at_s = phase_s[lane] + number * interval_s[lane]
        found = interpolate(
            runs, self._origin_s[rows], lane, at_s, 2 * ON_GRID * interval_s[lane]
        )  # what is reached is surely found
        self._next[rows] += counts
        self._keep_last(rows, runs)
        taken = found.taken + (0 if begins else self._pending[rows][lane] - 1)
        bridged = found.width_s > WIDE * self._interval_s[rows][lane]
        return Points(lane, number, found.values, found.truth, taken, bridged)

    def _after_last(self, row: int, run: Run) -> Run:
        """Put the last sample before the new ones."""
        last = Run(self._last_s[row : row + 1], self._last[row : row + 1], self._last_truth[row : row + 1])
        return joined([last, run])

    def _keep_last(self, rows: Rows, runs: list[Run]) -> None:
        self._last_s[rows] = [run.times_s[-1] for run in runs]
        self._last[rows] = [run.values[-1] for run in runs]
        self._last_truth[rows] = [run.truth[-1] for run in runs]

    def _at_model_rate(self, rows: Rows, points: Points) -> Points:
        """Filter what stands on finer grids, and leave the model's samples, by their own numbers."""
        fine, counts = self._fine[rows], np.bincount(points.lane, minlength=len(rows))
        for members in _alike(fine, counts):
            if fine[members[0]] > 1 and counts[members[0]]:
                at = np.isin(points.lane, members)
                values = points.values[at].reshape(len(members), -1, SENSOR_AXES)
                low_pass = self._low_pass(int(fine[members[0]]))
                points.values[at] = low_pass.push(rows[members], values).reshape(-1, SENSOR_AXES)
        skip = np.array([self._grids[one].skip for one in fine.tolist()])[points.lane]
        number, past = np.divmod(points.number - skip, fine[points.lane])
        return replace(points, number=number).only((number >= 0) & (past == 0))

    def _batches(self, rows: Rows, points: Points) -> Iterator[Batch]:
        """Give the model's samples, devices with equally many together, and note whom they stand for."""
        lanes, firsts, counts = np.unique(points.lane, return_index=True, return_counts=True)
        before = np.concatenate([[0], points.taken[:-1]])
        before[firsts] = 0
        stands_for = points.taken - before
        self._pending[rows[lanes]] -= points.taken[firsts + counts - 1]
        self._accounting.bridge(int(points.bridged.sum()))
        for members in _alike(counts):
            at = firsts[members, np.newaxis] + np.arange(counts[members[0]])
            of, number = rows[lanes[members]], points.number[firsts[members]]
            yield Batch(
                of,
                self._origin_s[of] + number / self._rate_hz,
                points.values[at].astype(np.float32),
                points.truth[at],
                np.where(number == 0, NEW, 0),
                np.full(len(of), self._rate_hz),
                stands_for[at],
            )

    def _until_faster(self, rows: Rows, runs: dict[int, Run]) -> tuple[dict[int, Run], dict[int, Run]]:
        """Split off, behind the sample that shows it, what comes at a rate that was misjudged or has risen.

        Looked at after every CHECKED_SAMPLES samples of a stream, wherever it is cut into blocks.
        """
        checked = self._unchecked[rows]
        self._unchecked[rows] += [len(run.times_s) for run in runs.values()]
        later: dict[int, Run] = {}
        due = self._unchecked[rows] >= CHECKED_SAMPLES
        for row, before in zip(rows[due].tolist(), checked[due].tolist(), strict=True):
            stop = self._faster_from(row, runs[row].times_s, CHECKED_SAMPLES - 1 - before)
            if stop is not None:
                later[row] = runs[row].only(slice(stop, None))
                runs = runs | {row: runs[row].only(slice(stop))}
        return runs, later

    def _faster_from(self, row: int, times_s: NDArray[np.float64], first: int) -> int | None:
        """Return from which sample on a stream needs a finer grid, None where it does not."""
        checked_s = times_s[first::CHECKED_SAMPLES]
        interval_s = np.diff(checked_s, prepend=self._checked_s[row]) / CHECKED_SAMPLES
        self._checked_s[row] = checked_s[-1]
        self._unchecked[row] %= CHECKED_SAMPLES
        grid_s = 1 / (self._fine[row] * self._rate_hz)
        faster = np.flatnonzero(grid_s > MUCH_FASTER * interval_s)
        if not len(faster) or self._fine[row] == FINEST:
            return None
        self._measured_s[row] = interval_s[faster[0]]
        return int(first + faster[0] * CHECKED_SAMPLES + 1)


def _alike(*properties: NDArray[np.int64]) -> Iterator[NDArray[np.intp]]:
    """Yield the places that have the same properties, each (n,)."""
    _, group = np.unique(np.stack(properties), axis=1, return_inverse=True)
    for one in range(group.max(initial=-1) + 1):
        yield np.flatnonzero(group == one)
