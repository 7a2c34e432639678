"""Blocks of one device that messages bring out of order: one that comes too early waits for what is missing before it.

    ... out |<- missing ->| held | held      out in order, once the missing ones have come or are given up

They are given up when what waits spans HORIZON_S and more than one block waits: a block that is lost costs the labels
a block's time, never more than that and the horizon. Where nothing is missing, nothing waits. Samples that overlap
what is out already, and clocks set back, are the intake's business.
"""

from __future__ import annotations

import math
from typing import Final

from har_stream.samples import SampleBlock, TimedBlock

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


class Reordering:
    """What waits of one device, and the time at which its next block should begin."""

    def __init__(self) -> None:
        self._end_s: float | None = None
        self._interval_s = 0.0
        self._held: list[Ordered] = []

    def push(self, block: Ordered) -> list[Ordered]:
        """Take a block, give those that are in order now; where a TimedBlock's times do not ascend, the ends count."""
        if type(block) is SampleBlock and self._follows(block):
            return [block]
        if not (block.samples and math.isfinite(_start_s(block)) and math.isfinite(_end_s(block))):
            return [block]  # the intake refuses it
        if not self._too_early(block):
            before = self.flush() if self._held and _start_s(block) > _start_s(self._held[-1]) else []
            return [*before, *self._out([block]), *self._due()]
        self._held.append(block)
        self._held.sort(key=_start_s)
        return self.flush() if self._is_given_up() else []

    def _is_given_up(self) -> bool:
        """Tell whether what waits spans too much for what is missing to come yet, or is too much, whatever it says."""
        if len(self._held) == 1:
            return False
        spans_s = _start_s(self._held[-1]) - _start_s(self._held[0])
        return spans_s >= HORIZON_S or sum(block.samples for block in self._held) > MOST_HELD

    def _follows(self, block: SampleBlock) -> bool:
        """Tell whether nothing waits and a block follows the last without a gap, as nearly all do; note its end."""
        if self._held or self._end_s is None or not block.rate_hz > 0:
            return False
        step_s, interval_s = block.start_s - self._end_s, 1 / block.rate_hz
        if not 0 < step_s <= (1 + MISSING) * min(interval_s, self._interval_s):
            return False
        end_s = block.start_s + (len(block.values) - 1) * interval_s
        if not block.start_s <= end_s < math.inf:
            return False
        self._end_s, self._interval_s = end_s, interval_s
        return True

    def flush(self) -> list[Ordered]:
        """Give all that waits: nothing more comes, or what is missing is given up."""
        held, self._held = self._held, []
        return self._out(held)

    def _too_early(self, block: Ordered) -> bool:
        """Tell whether at least a sample is missing before a block, but for so long that it is a gap."""
        if self._end_s is None or not self._interval_s:
            return False
        missing_s = _start_s(block) - self._end_s - self._interval_s
        return MISSING * self._interval_s < missing_s <= LONGEST_WAIT_S

    def _due(self) -> list[Ordered]:
        """Give what waited for no other than what is out now."""
        due: list[Ordered] = []
        while self._held and not self._too_early(self._held[0]):
            due += self._out([self._held.pop(0)])
        return due

    def _out(self, blocks: list[Ordered]) -> list[Ordered]:
        for block in blocks:
            end_s = _end_s(block)
            if self._end_s is None or end_s > self._end_s or end_s < self._end_s - LONGEST_WAIT_S:
                self._interval_s = self._interval_of(block)
                self._end_s = end_s
        return blocks

    def _interval_of(self, block: Ordered) -> float:
        """Return the time from sample to sample; of single ones that say no rate, as they came so far."""
        if isinstance(block, SampleBlock):
            return 1 / block.rate_hz if block.rate_hz > 0 else self._interval_s
        if block.rate_hz is not None and block.rate_hz > 0:
            return 1 / block.rate_hz
        if block.samples > 1:
            return abs(float(block.times_s[-1] - block.times_s[0])) / (block.samples - 1)
        since_s = float(block.times_s[0]) - self._end_s if self._end_s is not None else 0.0
        if not 0 < since_s <= LONGEST_WAIT_S:
            return self._interval_s
        return self._interval_s + NEWS * (since_s - self._interval_s) if self._interval_s else since_s


def _start_s(block: Ordered) -> float:
    return block.start_s if isinstance(block, SampleBlock) else float(block.times_s[0])


def _end_s(block: Ordered) -> float:
    """Return the time of a block's last sample."""
    if isinstance(block, SampleBlock):
        return block.start_s + (block.samples - 1) / block.rate_hz if block.rate_hz > 0 else block.start_s
    return float(block.times_s[-1])
