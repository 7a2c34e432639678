"""Blocks of one device that messages bring out of order: one that comes too early waits for what is missing before it.

    ... out |<- missing ->| held | held      out in order, once the missing ones have come or are given up

They are given up when what waits spans HORIZON_S and more than one block waits: a block that is lost costs the labels
a block's time, never more than that and the horizon. Where nothing is missing, nothing waits. Samples that overlap
what is out already, and clocks set back, are the intake's business.
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray

from har_stream.samples import Rows, SampleBlock, TimedBlock

HORIZON_S: Final = 0.2
LONGEST_WAIT_S: Final = 2.0
"""What is missing for longer is a gap and no disorder; and a clock so far behind was set back."""
MOST_HELD: Final = 4096
"""Samples that wait, but for a single block: more than any sensor has in HORIZON_S, whatever times blocks come with."""
MISSING: Final = 0.9
"""From so many intervals more than one from sample to sample, a block is missing and not only a sample late."""
NEWS: Final = 0.1
"""Weight of the newest interval of single samples, which jitter makes longer and shorter."""

Ordered = SampleBlock | TimedBlock


class StreamEnds:
    """How far the streams of up to `rows` devices have come, a row a device.

    end_s (rows,) is the time of the last sample that is out, NaN before there is one; interval_s (rows,) the time from
    sample to sample, as the last block had it; held (rows,) how many blocks wait; sequence (rows,) the number of the
    next sample.
    """

    def __init__(self, *, rows: int) -> None:
        self.end_s: NDArray[np.float64] = np.full(rows, math.nan)
        self.interval_s = np.zeros(rows)
        self.held, self.sequence = np.zeros(rows, np.int64), np.zeros(rows, np.int64)

    def begin(self, row: int) -> None:
        """Let a row be that of a new device."""
        self.end_s[row], self.interval_s[row] = math.nan, 0.0
        self.held[row] = self.sequence[row] = 0

    def follow(
        self, rows: Rows, start_s: NDArray[np.float64], samples: int, interval_s: float
    ) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
        """Tell of a block of each of several devices (d,) what Reordering tells of one: whether it follows the last.

        Return that as a mask (d,), and the times of the blocks' last samples (d,), which are yet to be noted.
        """
        with np.errstate(invalid="ignore", over="ignore"):  # times may be none, and compare false
            step_s = start_s - self.end_s[rows]
            end_s = start_s + (samples - 1) * interval_s
            near = (step_s > 0) & (step_s <= (1 + MISSING) * np.minimum(interval_s, self.interval_s[rows]))
        return (self.held[rows] == 0) & near & (start_s <= end_s) & (end_s < math.inf), end_s

    def go_on(self, rows: Rows, end_s: NDArray[np.float64], samples: int, interval_s: float) -> None:
        """Note so many samples of each of several devices (d,), up to the one at end_s (d,)."""
        self.end_s[rows], self.interval_s[rows] = end_s, interval_s
        self.sequence[rows] += samples


class Reordering:
    """What waits of one device, and in a row of `ends` where its next block should begin."""

    __slots__ = "_ends", "_row", "held"

    def __init__(self, ends: StreamEnds, row: int) -> None:
        self._ends, self._row = ends, row
        self.held: list[Ordered] = []

    @property
    def end_s(self) -> float:
        """The time of the last sample that is out, NaN before there is one."""
        return self._ends.end_s.item(self._row)

    @property
    def interval_s(self) -> float:
        """The time from sample to sample, as the last block had it."""
        return self._ends.interval_s.item(self._row)

    def _note(self, end_s: float, interval_s: float) -> None:
        self._ends.end_s[self._row], self._ends.interval_s[self._row] = end_s, interval_s

    def push(self, block: Ordered) -> list[Ordered]:
        """Take a block, give those that are in order now; where a TimedBlock's times do not ascend, the ends count."""
        if type(block) is SampleBlock and self._follows(block):
            return [block]
        if not (block.samples and math.isfinite(_start_s(block)) and math.isfinite(_end_s(block))):
            return [block]  # the intake refuses it
        if not self._too_early(block):
            before = self.flush() if self.held and _start_s(block) > _start_s(self.held[-1]) else []
            return [*before, *self._out([block]), *self._due()]
        self.held.append(block)
        self.held.sort(key=_start_s)
        self._ends.held[self._row] = len(self.held)
        return self.flush() if self._is_given_up() else []

    def _is_given_up(self) -> bool:
        """Tell whether what waits spans too much for what is missing to come yet, or is too much, whatever it says."""
        if len(self.held) == 1:
            return False
        spans_s = _start_s(self.held[-1]) - _start_s(self.held[0])
        return spans_s >= HORIZON_S or sum(block.samples for block in self.held) > MOST_HELD

    def _follows(self, block: SampleBlock) -> bool:
        """Tell whether nothing waits and a block follows the last without a gap, as nearly all do; note its end."""
        if self.held or not block.rate_hz > 0:
            return False
        step_s, interval_s = block.start_s - self.end_s, 1 / block.rate_hz
        if not 0 < step_s <= (1 + MISSING) * min(interval_s, self.interval_s):
            return False
        end_s = block.start_s + (len(block.values) - 1) * interval_s
        if not block.start_s <= end_s < math.inf:
            return False
        self._note(end_s, interval_s)
        return True

    def flush(self) -> list[Ordered]:
        """Give all that waits: nothing more comes, or what is missing is given up."""
        held, self.held = self.held, []
        self._ends.held[self._row] = 0
        return self._out(held)

    def _too_early(self, block: Ordered) -> bool:
        """Tell whether at least a sample is missing before a block, but for so long that it is a gap."""
        if not self.interval_s:
            return False
        missing_s = _start_s(block) - self.end_s - self.interval_s
        return MISSING * self.interval_s < missing_s <= LONGEST_WAIT_S

    def _due(self) -> list[Ordered]:
        """Give what waited for no other than what is out now."""
        due: list[Ordered] = []
        while self.held and not self._too_early(self.held[0]):
            due += self._out([self.held.pop(0)])
            self._ends.held[self._row] = len(self.held)
        return due

    def _out(self, blocks: list[Ordered]) -> list[Ordered]:
        for block in blocks:
            end_s = _end_s(block)
            if not end_s <= self.end_s or end_s < self.end_s - LONGEST_WAIT_S:
                self._note(end_s, self._interval_of(block))
        return blocks

    def _interval_of(self, block: Ordered) -> float:
        """Return the time from sample to sample; of single ones that say no rate, as they came so far."""
        if isinstance(block, SampleBlock):
            return 1 / block.rate_hz if block.rate_hz > 0 else self.interval_s
        if block.rate_hz is not None and block.rate_hz > 0:
            return 1 / block.rate_hz
        if block.samples > 1:
            return abs(float(block.times_s[-1] - block.times_s[0])) / (block.samples - 1)
        since_s = float(block.times_s[0]) - self.end_s
        if not 0 < since_s <= LONGEST_WAIT_S:
            return self.interval_s
        return self.interval_s + NEWS * (since_s - self.interval_s) if self.interval_s else since_s


def _start_s(block: Ordered) -> float:
    return block.start_s if isinstance(block, SampleBlock) else float(block.times_s[0])


def _end_s(block: Ordered) -> float:
    """Return the time of a block's last sample."""
    if isinstance(block, SampleBlock):
        return block.start_s + (block.samples - 1) / block.rate_hz if block.rate_hz > 0 else block.start_s
    return float(block.times_s[-1])
