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
from itertools import zip_longest
from typing import Final

import numpy as np
from numpy.typing import NDArray

from har_stream.accounting import Accounting
from har_stream.batch import GROUP, NEW, Batch
from har_stream.butterworth import ButterworthLowPass
from har_stream.grid import LOW_PASS_CUTOFF, LOW_PASS_ORDER, Grid, Points
from har_stream.interpolation import interpolate
from har_stream.manifest import LowPass
from har_stream.next_sample import NextSample
from har_stream.ordering import Run, in_order, joined
from har_stream.rate_check import RateCheck
from har_stream.runs import Runs
from har_stream.samples import SENSOR_AXES, Rows, TimedBlock
from har_stream.streams import ON_GRID, Streams

RATE_SAMPLES: Final = 8
"""From so many samples a rate is told, where the device does not tell it."""
FASTER: Final = 1.2
"""A device up to so many times a grid's rate needs no finer one: what could come back is above 20 Hz, where the noise
filter takes it away."""
FINEST: Final = 32
"""Points of the finest grid in each interval of the model's."""
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
        self._streams = Streams(rows=rows)
        self._check = RateCheck(rows=rows)
        self._next_sample = NextSample(self._streams, self._check, self._grids[1], rate_hz=rate_hz)
        self._measured_s = np.full(rows, np.nan)
        self._waiting: dict[int, Run] = {}

    @property
    def buffered(self) -> int:
        """Samples that no sample at the model's rate stands for yet."""
        return int(self._streams.pending.sum())

    def forget(self, row: int) -> int:
        """Know nothing more of whoever had a row; returns how many samples are lost."""
        self._measured_s[row] = np.nan
        return self._end(row)

    def _end(self, row: int) -> int:
        """Take whatever comes next in a row as the beginning of a stream; returns how many samples are lost."""
        self._waiting.pop(row, None)
        return self._streams.end(row)

    def next_of(self, row: int, block: TimedBlock) -> list[Batch] | None:
        """Take a block of one sample, and give what it completes; None where push() is needed for it."""
        return self._next_sample.push(row, block)

    def push(self, blocks: Sequence[tuple[int, TimedBlock]]) -> Iterator[Batch]:
        """Take (row, block) pairs of lawful samples in order of arrival, give what they complete."""
        parts: dict[int, list[TimedBlock]] = {}
        for row, block in blocks:
            if len(block.times_s):
                parts.setdefault(row, []).append(block)
        rows = list(parts)
        for at in range(0, len(rows), GROUP):
            some = rows[at : at + GROUP]
            runs = Runs.of_blocks(some, [parts[row] for row in some])
            smooth = self._goes_on(runs)
            if smooth.all():
                yield from self._advance(runs)
                continue
            if smooth.any():
                yield from self._advance(runs.only(smooth))
            others = {some[lane]: runs.one(lane) for lane in np.flatnonzero(~smooth).tolist()}
            yield from self._in_order(others, {row: parts[row][-1].rate_hz for row in others})

    def _goes_on(self, runs: Runs) -> NDArray[np.bool_]:
        """Tell which of the runs (d,) go on where their streams were, in order and without a gap."""
        streams = self._streams
        rows, starts, times_s = runs.rows, runs.starts, runs.flat.times_s
        steps = np.empty(len(times_s))
        np.subtract(times_s[1:], times_s[:-1], out=steps[1:])
        steps[starts] = times_s[starts] - streams.last_s[rows]
        longest_s = np.maximum.reduceat(steps, starts)  # NaN where there is no sample before
        return (np.minimum.reduceat(steps, starts) > 0) & (longest_s <= streams.longest_step_s[rows])

    def _in_order(self, runs: dict[int, Run], told_hz: dict[int, float | None]) -> Iterator[Batch]:
        """Take devices' samples piece by piece, by row; each that begins anew waits until its rate is known."""
        pieces = [[(row, *piece) for piece in self._pieces(row, run, told_hz[row])] for row, run in runs.items()]
        for lap in zip_longest(*pieces):
            ready: dict[int, Run] = {}
            for row, anew, run in filter(None, lap):
                if anew:
                    self._accounting.drop("gap", self._end(row))
                begun = self._begin(row, run, told_hz[row]) if np.isnan(self._streams.origin_s[row]) else run
                if begun is not None:
                    ready[row] = begun
            if ready:
                yield from self._advance(Runs.of(list(ready), list(ready.values())))

    def _pieces(self, row: int, run: Run, told_hz: float | None) -> Iterator[tuple[bool, Run]]:
        """Yield the runs without a gap that a device's new samples make; True with those that begin anew."""
        streams = self._streams
        limit_s = self._max_gap_s + (1 / told_hz if told_hz else float(streams.interval_s[row]))
        last_s, refuse = float(streams.last_s[row]), self._accounting.refuse
        return in_order(run, last_s, limit_s=limit_s, rewind_s=self._rewind_s, refuse=refuse)

    def _begin(self, row: int, run: Run, told_hz: float | None) -> Run | None:
        """Begin a stream with what waited and new samples, once its rate is known: give all but the first sample."""
        streams = self._streams
        waited = [self._waiting.pop(row)] if row in self._waiting else []
        run = joined([*waited, run])
        interval_s = self._interval_of(row, run, told_hz)
        if interval_s is None:
            self._waiting[row] = run
            streams.pending[row] = len(run.times_s)
            streams.last_s[row] = run.times_s[-1]
            return None
        self._settle(row, interval_s)
        first = run.only(slice(1))
        streams.origin_s[row] = streams.last_s[row] = first_s = float(first.times_s[0])
        streams.last[row], streams.last_truth[row] = first.values[0], first.truth[0]
        streams.next[row], streams.pending[row] = 0, 1
        self._check.begin(row, first_s)
        if streams.fine[row] > 1:
            self._low_pass(int(streams.fine[row])).reset(np.array([row]), first.values.astype(np.float64))
        return run.only(slice(1, None))

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
        streams = self._streams
        streams.interval_s[row], streams.longest_step_s[row] = interval_s, self._max_gap_s + interval_s
        serves = [fine for fine, grid in self._grids.items() if grid.interval_s <= FASTER * interval_s]
        streams.fine[row] = min(serves, default=FINEST)

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

    def _advance(self, runs: Runs) -> Iterator[Batch]:
        """Take samples in order, without a gap, a device each; give what they complete at the model's rate."""
        streams = self._streams
        rows, later = runs.rows, {}
        found = self._check.faster(runs, self._coarsest_s[streams.fine[rows]])
        if found:
            for lane, (stop, interval_s) in found.items():
                self._measured_s[rows[lane]] = interval_s
                later[int(rows[lane])] = runs.one(lane).only(slice(stop, None))
            runs = runs.until({lane: stop for lane, (stop, _) in found.items()})
        points = self._on_grids(runs)
        streams.pending[rows] = streams.pending[rows] + runs.lengths
        if len(points.number):
            yield from self._batches(rows, self._at_model_rate(rows, points))
        for row, run in later.items():
            self._accounting.drop("rate_risen", self._end(row))
            begun = self._begin(row, run, None) if len(run.times_s) else None
            if begun is not None:
                yield from self._advance(Runs.of([row], [begun]))

    def _on_grids(self, runs: Runs) -> Points:
        """Interpolate at the points of each device's grid that its samples have reached."""
        streams = self._streams
        rows, last = runs.rows, runs.starts + runs.lengths
        runs = runs.after(Run(streams.last_s[rows], streams.last.take(rows, axis=0), streams.last_truth[rows]))
        last += np.arange(len(rows))
        newest = runs.flat.only(last)
        fine, origin_s, first = streams.fine[rows], streams.origin_s[rows], streams.next[rows]
        interval_s, phase_s = self._grid_s[fine], self._phase_s[fine]
        reached = np.floor((newest.times_s - origin_s - phase_s) / interval_s + ON_GRID).astype(np.int64) + 1
        counts = np.maximum(0, reached - first)
        lane = np.arange(len(rows)).repeat(counts)
        number = np.arange(len(lane)) - (counts.cumsum() - counts - first).repeat(counts)
        of_lane_s = interval_s[lane]
        # What is reached is surely found.
        found = interpolate(runs, origin_s, lane, phase_s[lane] + number * of_lane_s, 2 * ON_GRID * of_lane_s)
        streams.next[rows] = first + counts
        streams.last_s[rows], streams.last[rows], streams.last_truth[rows] = newest.times_s, newest.values, newest.truth
        taken = found.taken + (streams.pending[rows] - 1)[lane]
        bridged = found.width_s > (WIDE * streams.interval_s[rows])[lane]
        return Points(counts, number, found.values, found.truth, taken, bridged)

    def _at_model_rate(self, rows: Rows, points: Points) -> Points:
        """Filter what stands on finer grids, and leave the model's samples, by their own numbers."""
        fine, counts = self._streams.fine[rows], points.counts
        if fine.max() == 1:
            return points
        values = np.empty(points.values.shape)
        for members in _alike(fine * (counts.max() + 1) + counts):
            at, density = points.of(members), int(fine[members[0]])
            finer = points.values.take(at, axis=0)
            values[at] = self._low_pass(density).push(rows[members], finer) if density > 1 and finer.size else finer
        lane = np.arange(len(rows)).repeat(counts)
        number, past = np.divmod(points.number - self._skip[fine][lane], fine[lane])
        at = np.flatnonzero((number >= 0) & (past == 0))
        points.number, points.values = number, values
        return points.only(at, np.bincount(lane[at], minlength=len(rows)))

    def _batches(self, rows: Rows, points: Points) -> Iterator[Batch]:
        """Give the model's samples, devices with equally many together, and note whom they stand for."""
        streams = self._streams
        self._accounting.bridge(int(np.count_nonzero(points.bridged)))
        for members in _alike(points.counts):
            if not points.counts[members[0]]:
                continue
            of, at = rows[members], points.of(members)
            number, taken = points.number[at[:, 0]], points.taken[at]
            streams.pending[of] = streams.pending[of] - taken[:, -1]
            taken[:, 1:] -= taken[:, :-1].copy()
            yield Batch(
                of,
                streams.origin_s[of] + number / self._rate_hz,
                points.values.take(at, axis=0).astype(np.float32),
                points.truth[at],
                (number == 0) * NEW,
                np.full(len(of), self._rate_hz),
                taken,
            )


def _alike(property_of: NDArray[np.int64]) -> Iterator[NDArray[np.intp]]:
    """Yield the places that have the same property (n,)."""
    if len(property_of) == 1 or (property_of == property_of[0]).all():
        yield np.arange(len(property_of))
        return
    for one in np.unique(property_of):
        yield np.flatnonzero(property_of == one)
