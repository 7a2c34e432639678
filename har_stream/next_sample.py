"""One more sample of one device whose stream goes on: what resampling does for many, in plain numbers.

A lone device waits for each of its samples, and for one sample arrays cost ten times what they compute. Whatever is
not this plain (a gap, a finer grid, a beginning) goes the way of all.
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np

from har_stream.activities import UNLABELLED
from har_stream.batch import Batch
from har_stream.grid import Grid
from har_stream.interpolation import NEARER
from har_stream.rate_check import RateCheck
from har_stream.samples import Samples, TimedBlock
from har_stream.streams import ON_GRID, Streams

NO_TRUTH: Final = np.full((1, 1), UNLABELLED, np.uint8)
NONE_MISSING: Final = np.zeros(1, np.int64)
ITSELF: Final = np.ones((1, 1), np.int64)
"""What nearly all batches say of truth, missing and stands_for, one array for them all, and nobody's to change."""
for _of_all in (NO_TRUTH, NONE_MISSING, ITSELF):
    _of_all.setflags(write=False)


class NextSample:
    """Takes samples of streams on the model's own grid."""

    def __init__(self, streams: Streams, check: RateCheck, grid: Grid, *, rate_hz: float) -> None:
        self._streams, self._check, self._grid, self._rate_hz = streams, check, grid, rate_hz
        self._rates_hz = np.array([rate_hz])

    def push(self, row: int, block: TimedBlock) -> list[Batch] | None:
        """Take a block of one sample, and give what it completes; None, and nothing is taken, where it is not plain."""
        streams, grid_s = self._streams, self._grid.interval_s
        if streams.fine.item(row) != self._grid.fine:
            return None
        time_s, last_s, origin_s = block.times_s.item(), streams.last_s.item(row), streams.origin_s.item(row)
        if not 0 < time_s - last_s <= streams.longest_step_s.item(row):  # NaN where there is no sample before
            return None
        elapsed_s, number = time_s - origin_s, streams.next.item(row)
        # Of several points some may be in a gap that is bridged; one alone never is.
        points = math.floor(elapsed_s / grid_s + ON_GRID) + 1 - number
        if points <= 0:
            if not self._check.is_well(row, time_s, grid_s):
                return None
            self._note(row, block, time_s, streams.pending.item(row) + 1)
            return []
        point_s, near_s, before_s = number * grid_s, 2 * ON_GRID * grid_s, last_s - origin_s
        on_sample = elapsed_s - point_s <= near_s
        if points > 1 or before_s >= point_s - near_s or not self._check.is_well(row, time_s, grid_s):
            return None
        share = 1.0 if on_sample else (point_s - before_s) / (elapsed_s - before_s)
        waits = 0 if on_sample else 1
        batch = self._batch(row, block, share, number, streams.pending.item(row) + 1 - waits)
        streams.next[row] = number + 1
        self._note(row, block, time_s, waits)
        return [batch]

    def _note(self, row: int, block: TimedBlock, time_s: float, pending: int) -> None:
        """Let a sample be its stream's last one."""
        streams = self._streams
        streams.last_s[row], streams.last[row], streams.pending[row] = time_s, block.values[0], pending
        streams.last_truth[row] = UNLABELLED if block.truth is None else block.truth[0]

    def _batch(self, row: int, block: TimedBlock, share: float, number: int, stands_for: int) -> Batch:
        """Give what lies so far on the line from a stream's last sample to the next as its sample of a number."""
        streams = self._streams
        values: Samples = block.values
        truth = UNLABELLED if block.truth is None else block.truth[0]
        if share < 1:
            before = streams.last[row].astype(np.float64)
            values = (before + (values - before) * share).astype(np.float32)
            truth = truth if share >= NEARER else streams.last_truth[row]
        return Batch(
            np.array([row]),
            np.array([streams.origin_s.item(row) + number / self._rate_hz]),
            values[np.newaxis],
            NO_TRUTH if truth == UNLABELLED else np.array([[truth]], np.uint8),
            NONE_MISSING,
            self._rates_hz,
            ITSELF if stands_for == 1 else np.array([[stands_for]]),
        )
