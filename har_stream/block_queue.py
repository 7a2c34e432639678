"""The bounded queue between a source's thread and the engine's.

A paced source never waits: where the queue is full the oldest blocks go, counted. A source that is not paced
waits for room, and its ticks are taken one by one, so that what shares a batch does not depend on timing.
"""

from __future__ import annotations

import math
from collections import deque
from threading import Condition
from typing import Final

from har_stream.accounting import Accounting, Books
from har_stream.samples import Tick, count

UNPACED_TICKS: Final = 4
"""Ticks that wait at most where a source is not paced: enough to keep the engine busy."""


SAMPLES_AT_ONCE: Final = 65_536
"""Most samples that waiting ticks are merged up to: what takes the engine a fraction of a second."""


class BlockQueue:
    """Ticks from one source to the engine.

    arrived_s is when the oldest of the blocks that get() gave last arrived, by time.monotonic(); NaN if nobody knows.
    """

    def __init__(self, *, limit: int, paced: bool, accounting: Accounting) -> None:
        self._limit, self._paced, self._accounting = limit, paced, accounting
        self._ticks: deque[tuple[Tick, float]] = deque()
        self._blocks = self._in_hand = 0
        self._closed = False
        self._changed = Condition()
        self.arrived_s = math.nan

    @property
    def buffered(self) -> int:
        """Samples that wait."""
        with self._changed:
            return self._waiting_samples()

    @property
    def blocks(self) -> int:
        """Blocks that wait."""
        with self._changed:
            return self._blocks

    def put(self, tick: Tick, arrived_s: float = math.nan) -> None:
        """Add a tick and when it arrived; what comes after close() is counted as dropped."""
        samples = _samples(tick)
        with self._changed:
            if not self._paced:
                self._changed.wait_for(lambda: len(self._ticks) < UNPACED_TICKS or self._closed)
            self._accounting.enter(samples)
            if self._closed:
                self._accounting.drop("shutdown", samples)
                return
            self._ticks.append((tick, arrived_s))
            self._blocks += count(tick)
            self._drop_oldest()
            self._changed.notify_all()

    def get(self, timeout_s: float | None = None) -> Tick | None:
        """Return the next tick, waiting for one: [] after timeout_s, None when the queue is closed and empty."""
        with self._changed:
            self._changed.wait_for(lambda: self._ticks or self._closed, timeout_s)
            if not self._ticks:
                return None if self._closed else []
            tick, self.arrived_s = self._ticks.popleft()
            samples = _samples(tick)
            while self._paced and self._ticks and samples + _samples(self._ticks[0][0]) <= SAMPLES_AT_ONCE:
                samples += _samples(self._ticks[0][0])
                tick = [*tick, *self._ticks.popleft()[0]]
            self._blocks -= count(tick)
            self._in_hand = samples
            self._changed.notify_all()
            return tick

    def taken(self) -> None:
        """Say that the tick that get() gave last is in somebody else's books now."""
        with self._changed:
            self._in_hand = 0

    def held(self) -> tuple[Books, int]:
        """Return the books and, of the same moment, the samples that wait or were given and are not taken()."""
        with self._changed:
            return self._accounting.snapshot(), self._waiting_samples() + self._in_hand

    def close(self) -> None:
        """Take nothing more; what waits can still be had."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def discard(self, reason: str) -> None:
        """Drop what waits."""
        with self._changed:
            for tick, _ in self._ticks:
                self._accounting.drop(reason, _samples(tick))
            self._ticks.clear()
            self._blocks = 0
            self._changed.notify_all()

    def _waiting_samples(self) -> int:
        return sum(_samples(tick) for tick, _ in self._ticks)

    def _drop_oldest(self) -> None:
        while self._paced and self._blocks > self._limit and len(self._ticks) > 1:
            oldest, _ = self._ticks.popleft()
            self._blocks -= count(oldest)
            self._accounting.drop("queue_full", _samples(oldest))


def _samples(tick: Tick) -> int:
    return sum(block.samples for block in tick)
