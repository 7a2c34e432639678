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
from har_stream.batch import GROUP, NEW, Batch
from har_stream.butterworth import ButterworthLowPass
from har_stream.grid import LOW_PASS_CUTOFF, LOW_PASS_ORDER, Grid, Points
from har_stream.interpolation import interpolate
from har_stream.manifest import LowPass
from har_stream.ordering import Run, in_order, joined
from har_stream.rate_check import RateCheck
from har_stream.runs import Runs
from har_stream.samples import SENSOR_AXES, Rows, TimedBlock

RATE_SAMPLES: Final = 8
"""From so many samples a rate is told, where the device does not tell it."""
LONGEST_INTERVAL_S: Final = 0.1
"""From sample to sample at a rate that is not known yet."""
FASTER: Final = 1.2
"""A device up to so many times a grid's rate needs no finer one: what could come back is above 20 Hz, where the noise
filter takes it away."""
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
        # The same by a grid's `fine`; no grid is finer than the finest, however fast a device is.
        self._grid_s, self._phase_s, self._coarsest_s = np.zeros((3, FINEST + 1))
        self._skip = np.zeros(FINEST + 1, np.int64)
        for fine, grid in self._grids.items():
            self._grid_s[fine], self._phase_s[fine], self._skip[fine] = grid.interval_s, grid.phase_s, grid.skip
            self._coarsest_s[fine] = grid.interval_s if fine < FINEST else 0.0
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
        self._check = RateCheck(rows=rows)
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
        told_hz: dict[int, float | None] = {}
        parts: dict[int, list[TimedBlock]] = {}
        for row, block in blocks:
            if len(block.times_s):
                parts.setdefault(row, []).append(block)
                told_hz[row] = block.rate_hz
        rows = list(parts)
        for at in range(0, len(rows), GROUP):
            runs = Runs.of_blocks({row: parts[row] for row in rows[at : at + GROUP]})
            smooth = self._goes_on(runs)
            if smooth.any():
                yield from self._advance(runs.only(smooth))
            for lane in np.flatnonzero(~smooth).tolist():
                yield from self._in_order(rows[at + lane], runs.one(lane), told_hz[rows[at + lane]])

    def _goes_on(self, runs: Runs) -> NDArray[np.bool_]:
        """Tell which of the runs (d,) go on where their streams were, in order and without a gap."""
        rows, starts, times_s = runs.rows, runs.starts, runs.flat.times_s
        steps = np.empty(len(times_s))
        steps[1:] = times_s[1:] - times_s[:-1]
        steps[starts] = times_s[starts] - self._last_s[rows]
        limits_s = self._max_gap_s + self._interval_s[rows]
        good = (np.minimum.reduceat(steps, starts) > 0) & (np.maximum.reduceat(steps, starts) <= limits_s)
        return np.asarray(good & ~np.isnan(self._origin_s[rows]))

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
                yield from self._advance(Runs.of(row, piece))

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
        self._origin_s[row] = run.times_s[0]
        self._check.begin(row, float(run.times_s[0]))
        self._next[row] = 0
        if self._fine[row] > 1:
            self._low_pass(int(self._fine[row])).reset(np.array([row]), run.values[:1].astype(np.float64))
        yield from self._advance(Runs.of(row, run), begins=True)

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

    def _advance(self, runs: Runs, *, begins: bool = False) -> Iterator[Batch]:
        """Take samples in order, without a gap, a device each; give what they complete at the model's rate."""
        rows, later = runs.rows, {}
        found = self._check.faster(runs, self._coarsest_s[self._fine[rows]])
        for lane, (stop, interval_s) in found.items():
            self._measured_s[rows[lane]] = interval_s
            later[lane] = runs.one(lane).only(slice(stop, None))
        if found:
            runs = runs.until({lane: stop for lane, (stop, _) in found.items()})
        points = self._at_model_rate(rows, self._on_grids(runs, begins=begins))
        self._pending[rows] += runs.lengths
        if len(points.lane):
            yield from self._batches(rows, points)
        for lane, run in later.items():
            row = int(rows[lane])
            self._accounting.drop("rate_risen", self._end(row))
            if len(run.times_s):
                yield from self._begin(row, run, None, new=len(run.times_s))

    def _on_grids(self, runs: Runs, *, begins: bool) -> Points:
        """Interpolate at the points of each device's grid that its samples have reached."""
        rows = runs.rows
        if not begins:
            runs = runs.after(Run(self._last_s[rows], self._last[rows], self._last_truth[rows]))
        fine, newest = self._fine[rows], runs.flat.only(runs.ends)
        interval_s, phase_s = self._grid_s[fine], self._phase_s[fine]
        elapsed_s = newest.times_s - self._origin_s[rows]
        reached = np.floor((elapsed_s - phase_s) / interval_s + ON_GRID).astype(np.int64) + 1
        counts = np.maximum(0, reached - self._next[rows])
        lane = np.arange(len(rows)).repeat(counts)
        number = np.arange(len(lane)) - (counts.cumsum() - counts - self._next[rows]).repeat(counts)
        at_s = phase_s[lane] + number * interval_s[lane]
        near_s = 2 * ON_GRID * interval_s[lane]  # what is reached is surely found
        found = interpolate(runs, self._origin_s[rows], lane, at_s, near_s)
        self._next[rows] += counts
        self._last_s[rows], self._last[rows], self._last_truth[rows] = newest.times_s, newest.values, newest.truth
        taken = found.taken + (0 if begins else self._pending[rows][lane] - 1)
        bridged = found.width_s > WIDE * self._interval_s[rows][lane]
        return Points(lane, number, found.values, found.truth, taken, bridged)

    def _at_model_rate(self, rows: Rows, points: Points) -> Points:
        """Filter what stands on finer grids, and leave the model's samples, by their own numbers."""
        fine = self._fine[rows]
        if (fine == 1).all():
            return points
        counts = np.bincount(points.lane, minlength=len(rows))
        for members in _alike(fine * (counts.max() + 1) + counts):
            if fine[members[0]] > 1 and counts[members[0]]:
                at = np.isin(points.lane, members)
                values = points.values[at].reshape(len(members), -1, SENSOR_AXES)
                low_pass = self._low_pass(int(fine[members[0]]))
                points.values[at] = low_pass.push(rows[members], values).reshape(-1, SENSOR_AXES)
        skip = self._skip[fine][points.lane]
        number, past = np.divmod(points.number - skip, fine[points.lane])
        return replace(points, number=number).only((number >= 0) & (past == 0))

    def _batches(self, rows: Rows, points: Points) -> Iterator[Batch]:
        """Give the model's samples, devices with equally many together, and note whom they stand for."""
        # In the order of the devices, as points are.
        every = np.bincount(points.lane, minlength=len(rows))
        lanes = every.nonzero()[0]
        counts = every[lanes]
        firsts = counts.cumsum() - counts
        stands_for = points.taken.copy()
        stands_for[1:] -= points.taken[:-1]
        stands_for[firsts] = points.taken[firsts]
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


def _alike(property_of: NDArray[np.int64]) -> Iterator[NDArray[np.intp]]:
    """Yield the places that have the same property (n,)."""
    if (property_of == property_of[0]).all():
        yield np.arange(len(property_of))
        return
    for one in np.unique(property_of):
        yield np.flatnonzero(property_of == one)
