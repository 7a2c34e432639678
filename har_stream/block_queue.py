"""The bounded queue between a source's thread and the engine's.

A paced source never waits: where the queue is full the oldest blocks go, counted; but for one that has a queue of its
own, which knows better what is to go. A source that is not paced waits for room, and its ticks are taken one by one, so
that what shares a batch does not depend on timing.
"""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Iterator
from operator import attrgetter
from threading import Condition, Lock
from typing import Final, NamedTuple

from har_stream.accounting import Accounting, Books
from har_stream.progress import Progress
from har_stream.samples import Block, FleetBlock, Tick, count

UNPACED_TICKS: Final = 4
"""Ticks that wait at most where a source is not paced: enough to keep the engine busy."""
SAMPLES_AT_ONCE: Final = 65_536
"""Most samples that waiting ticks are merged up to."""
MOST_WAITING: Final = SAMPLES_AT_ONCE // 4
"""Most samples that wait of a source with a queue of its own: enough to keep the engine busy."""
AT_ONCE_S: Final = 0.2
"""How long the engine may take for those: with dear windows they are fewer."""
PIECE: Final = 64
"""Blocks of a source with a queue of its own that are put together, if there are so many; a fleet stays whole."""
FEW: Final = 16
"""Samples that may pass by the queue together."""
SAMPLES: Final = attrgetter("samples")
ENOUGH_S: Final = 0.01
"""A shorter tick does not tell how long samples take: what it costs is mostly not theirs."""


class _Waiting(NamedTuple):
    """A tick, its samples, when it arrived, and the messages that are done with it."""

    tick: Tick
    samples: int
    arrived_s: float
    messages: int


class BlockQueue:
    """Ticks from one source to the engine.

    arrived_s is when the oldest of the blocks that get() gave last arrived, by time.monotonic(); NaN if nobody knows.
    """

    def __init__(self, *, limit: int, paced: bool, accounting: Accounting) -> None:
        self._limit, self._paced, self._accounting = limit, paced, accounting
        self._ticks: deque[_Waiting] = deque()
        self._blocks = self._samples = self._in_hand = 0
        self._at_once = SAMPLES_AT_ONCE
        self._given, self._given_messages, self._given_s = 0, 0, math.inf
        self._progress: Progress | None = None
        self._closed = False
        self._lock = Lock()
        self._changed = Condition(self._lock)
        self.arrived_s = math.nan

    @property
    def buffered(self) -> int:
        """Samples that wait."""
        with self._changed:
            return self._samples

    @property
    def blocks(self) -> int:
        """Blocks that wait."""
        with self._changed:
            return self._blocks

    def put(self, tick: Tick, arrived_s: float = math.nan, progress: Progress | None = None) -> None:
        """Add a tick and when it arrived, once there is room if `progress` is to be told; drop it after close()."""
        if progress is None:
            self._put(tick, arrived_s, None, 0)
            return
        *pieces, last = _pieces(tick)
        for piece in pieces:
            self._put(piece, arrived_s, progress, 0)
        self._put(last, arrived_s, progress, progress.brought())

    def _put(self, tick: Tick, arrived_s: float, progress: Progress | None, messages: int) -> None:
        samples = _samples(tick)
        with self._changed:
            if not self._paced:
                self._changed.wait_for(lambda: len(self._ticks) < UNPACED_TICKS or self._closed)
            elif progress is not None:
                self._changed.wait_for(lambda: self._has_room() or self._closed)
            self._progress = progress
            self._accounting.enter(samples)
            if self._closed:
                self._accounting.drop("shutdown", samples)
                return
            self._ticks.append(_Waiting(tick, samples, arrived_s, messages))
            self._blocks += count(tick)
            self._samples += samples
            if progress is None:
                self._drop_oldest()
            self._changed.notify_all()

    def get(self, timeout_s: float | None = None) -> Tick | None:
        """Return the next tick, waiting for one: [] after timeout_s, None when the queue is closed and empty."""
        with self._changed:
            self._learn(time.monotonic())
            self._changed.wait_for(lambda: self._ticks or self._closed, timeout_s)
            if not self._ticks:
                return None if self._closed else []
            tick, samples, self.arrived_s, messages = self._ticks.popleft()
            while self._paced and self._ticks and samples + self._ticks[0].samples <= self._at_once:
                more = self._ticks.popleft()
                tick, samples, messages = [*tick, *more.tick], samples + more.samples, messages + more.messages
            self._blocks -= count(tick)
            self._samples -= samples
            self._in_hand = self._given = samples
            self._given_messages = messages
            self._given_s = time.monotonic()
            self._changed.notify_all()
            return tick

    def pass_by(self, tick: Tick, arrived_s: float) -> bool:
        """Book a tick as if get() had given it, where nothing waits nor was given; tell whether that is so.

        One of many samples does not pass: a source has to go on while it is worked on.
        """
        samples = _samples(tick)
        with self._lock:
            if self._closed or not self._paced or self._ticks or self._in_hand or samples > FEW:
                return False
            self._accounting.enter(samples)
            self._in_hand, self.arrived_s = samples, arrived_s
            return True

    def taken(self) -> None:
        """Say that the tick that get() gave last is in somebody else's books now."""
        with self._lock:
            self._in_hand = 0

    def held(self) -> tuple[Books, int]:
        """Return the books and, of the same moment, the samples that wait or were given and are not taken()."""
        with self._changed:
            return self._accounting.snapshot(), self._samples + self._in_hand

    def close(self) -> None:
        """Take nothing more; what waits can still be had."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def discard(self, reason: str) -> None:
        """Drop what waits."""
        with self._changed:
            self._accounting.drop(reason, self._samples)
            self._ticks.clear()
            self._blocks = self._samples = 0
            self._changed.notify_all()

    def _learn(self, now_s: float) -> None:
        """Learn from the tick that was given last how many samples the engine takes in AT_ONCE_S."""
        took_s, self._given_s = now_s - self._given_s, math.inf
        if self._progress is not None:
            self._progress.add(self._given_messages, busy_s=max(0.0, took_s), ended_s=now_s)
            self._given_messages = 0
        if took_s >= ENOUGH_S:
            fit = round(self._given / took_s * AT_ONCE_S)
            self._at_once = max(1, min(fit, (fit + self._at_once) // 2, SAMPLES_AT_ONCE))

    def _has_room(self) -> bool:
        """Tell whether the engine would soon take more of a source with a queue of its own."""
        return self._samples < min(self._at_once, MOST_WAITING) and self._blocks < self._limit

    def _drop_oldest(self) -> None:
        while self._paced and self._blocks > self._limit and len(self._ticks) > 1:
            oldest = self._ticks.popleft()
            self._blocks -= count(oldest.tick)
            self._samples -= oldest.samples
            self._accounting.drop("queue_full", oldest.samples)


def _pieces(tick: Tick) -> Iterator[Tick]:
    """Yield the tick in parts of about PIECE blocks; what is one for many devices stays whole."""
    piece: list[Block | FleetBlock] = []
    blocks = 0
    for block in tick:
        more = count([block])
        if piece and blocks + more > PIECE:
            yield piece
            piece, blocks = [], 0
        piece.append(block)
        blocks += more
    yield piece


def _samples(tick: Tick) -> int:
    return sum(map(SAMPLES, tick))
