"""What came from a broker and waits to be decoded: bounded in messages and bytes, what goes over is counted."""

from __future__ import annotations

import time
from collections import Counter, deque
from dataclasses import dataclass
from threading import Condition
from typing import Final

FULL: Final = "source_full"
SIZE: Final = "payload_size"
RETAINED: Final = "retained"

AT_ONCE: Final = 1000
"""Messages handed over together at most: so many are decoded in a fraction of a second."""

MANY, MANY_S = 50, 0.1
"""So many messages within such a time are no lone device's: a tick of one message costs most of what one of 50 does."""
GATHER_S: Final = 0.01
"""How long messages are then gathered, unless many wait already."""


@dataclass(frozen=True, slots=True)
class Message:
    """A message and the time of its arrival, in s on the monotonic clock."""

    topic: str
    payload: bytes
    arrival_s: float


class Inbox:
    """Between the network's thread, which only puts, and the source's, which takes.

    Where it is full the oldest messages go: live samples lose their worth with time.
    """

    def __init__(self, *, messages: int, message_bytes: int, payload_limit: int) -> None:
        self._most, self._most_bytes, self._payload_limit = messages, message_bytes, payload_limit
        self._waiting: deque[Message] = deque()
        self._bytes = 0
        self._refused: Counter[str] = Counter()
        self._lately_s: deque[float] = deque(maxlen=MANY)
        self._changed = Condition()

    @property
    def waiting(self) -> int:
        """Messages that wait."""
        with self._changed:
            return len(self._waiting)

    def put(self, message: Message, *, retained: bool) -> None:
        """Add a message, or count why not: what a broker retained is no live sample."""
        with self._changed:
            if retained:
                self._refused[RETAINED] += 1
            elif len(message.payload) > self._payload_limit:
                self._refused[SIZE] += 1
            else:
                self._waiting.append(message)
                self._bytes += _size(message)
                self._make_room()
            self._changed.notify()

    def take(self, timeout_s: float) -> tuple[list[Message], Counter[str]]:
        """Return what waits, and what was refused since the last time by its reason; wait for either if need be.

        Where many messages come, wait a little longer for more of them.
        """
        with self._changed:
            if not self._waiting and not self._refused:
                self._changed.wait(timeout_s)
            gathers = 0 < len(self._waiting) < MANY and self._many_come()
        if gathers:
            time.sleep(GATHER_S)
        with self._changed:
            taken = [self._waiting.popleft() for _ in range(min(AT_ONCE, len(self._waiting)))]
            self._bytes -= sum(map(_size, taken))
            self._lately_s.extend(message.arrival_s for message in taken[-MANY:])
            refused, self._refused = self._refused, Counter()
            return taken, refused

    def _many_come(self) -> bool:
        return len(self._lately_s) == MANY and time.monotonic() - self._lately_s[0] < MANY_S

    def _make_room(self) -> None:
        while len(self._waiting) > self._most or (self._bytes > self._most_bytes and len(self._waiting) > 1):
            self._bytes -= _size(self._waiting.popleft())
            self._refused[FULL] += 1


def _size(message: Message) -> int:
    return len(message.payload) + len(message.topic)
