"""The last ten seconds of one device's channels, and its own sampling rate, for whoever looks at it."""

from __future__ import annotations

from collections import deque
from typing import Final

import numpy as np
from numpy.typing import NDArray

from har_stream.samples import Block, Refused, SampleBlock, Samples, TimedBlock

KEPT_S: Final = 10.0
NEWEST_S: Final = 1.0
"""Gravity is told as a mean over this."""
SMALLEST: Final = 1e-3
"""Of a span that a rate can be told over."""
CHANNELS: Final = 9
MOST_BLOCKS: Final = 1000
"""Whatever their times say."""


class Signals:
    """Channels with their times. `count` counts all samples that ever came, so that a reader knows what is new."""

    def __init__(self, *, rate_hz: float) -> None:
        self._rate_hz = rate_hz
        self._kept = round(KEPT_S * rate_hz)
        self._times_s = np.zeros(0)
        self._channels = np.zeros((0, CHANNELS), np.float32)
        self.count = 0

    def add(self, start_s: float, channels: Samples) -> None:
        """Put samples (n, 9) at the model's rate behind the others; where the clock was set back those go."""
        channels = channels[-self._kept :] if len(channels) > self._kept else channels
        times_s = start_s + np.arange(len(channels)) / self._rate_hz
        if len(self._times_s) and start_s < self._times_s[-1]:
            self._times_s, self._channels = self._times_s[:0], self._channels[:0]
        self._times_s = np.concatenate([self._times_s, times_s])[-self._kept :]
        self._channels = np.concatenate([self._channels, channels])[-self._kept :]
        self.count += len(channels)

    def since(self, count: int) -> tuple[NDArray[np.float64], Samples]:
        """Return times (n,) and channels (n, 9) of what came after the first `count` samples, as far as it is kept."""
        new = min(self.count - count, len(self._times_s))
        first = len(self._times_s) - new
        return self._times_s[first:], self._channels[first:]

    @property
    def gravity(self) -> NDArray[np.float64] | None:
        """Mean gravity (3,) in g of the newest second, None where there is nothing."""
        newest = self._channels[-round(NEWEST_S * self._rate_hz) :].astype(np.float64)
        return np.asarray((newest[:, 6:9] - newest[:, :3]).mean(axis=0)) if len(newest) else None


class OwnRate:
    """Samples that a device sends in a second of its own clock, over the last ten seconds: what is lost lowers it."""

    def __init__(self) -> None:
        self._ends: deque[tuple[float, int]] = deque()
        self.refused = 0

    def note(self, block: Block) -> None:
        """Take a block as it came."""
        if isinstance(block, Refused):
            self.refused += block.samples
        elif isinstance(block, TimedBlock) and block.samples:
            self._put(float(block.times_s[-1]), block.samples)
        elif isinstance(block, SampleBlock) and block.samples:
            self._put(block.start_s + block.samples / block.rate_hz, block.samples)

    def _put(self, end_s: float, samples: int) -> None:
        if self._ends and end_s <= self._ends[-1][0]:
            self._ends.clear()  # a clock set back, or blocks out of order: measured anew
        self._ends.append((end_s, samples))
        while len(self._ends) > MOST_BLOCKS or (len(self._ends) > 2 and self._ends[0][0] < end_s - KEPT_S):  # noqa: PLR2004 - a span has two ends
            self._ends.popleft()

    @property
    def rate_hz(self) -> float | None:
        """The rate, None where it cannot be told yet."""
        if len(self._ends) < 2:  # noqa: PLR2004 - as above
            return None
        span_s = self._ends[-1][0] - self._ends[0][0]
        samples = sum(count for _, count in self._ends) - self._ends[0][1]
        return samples / span_s if span_s > SMALLEST else None
