"""What came from a broker and waits to be decoded: bounded in messages and bytes, what goes over is counted."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable
from threading import Condition
from typing import Final

from har_stream.mqtt.connection import Received

FULL: Final = "source_full"
SIZE: Final = "payload_size"
RETAINED: Final = "retained"

AT_ONCE: Final = 1000
"""Messages handed over together at most: so many are decoded in a fraction of a second."""


class Inbox:
    """Between the network's thread, which only puts, and the source's, which takes.

    Where it is full the oldest messages go: live samples lose their worth with time.
    """

    def __init__(self, *, messages: int, message_bytes: int, payload_limit: int) -> None:
        self._most, self._most_bytes, self._payload_limit = messages, message_bytes, payload_limit
        self._waiting: deque[Received] = deque()
        self._bytes = 0
        self._refused: Counter[str] = Counter()
        self._changed = Condition()

    @property
    def waiting(self) -> int:
        """Messages that wait."""
        with self._changed:
            return len(self._waiting)

    def put(self, messages: Iterable[Received]) -> None:
        """Add messages, or count why not: what a broker retained is no live sample."""
        with self._changed:
            for message in messages:
                if message.retained:
                    self._refused[RETAINED] += 1
                elif len(message.payload) > self._payload_limit:
                    self._refused[SIZE] += 1
                else:
                    self._waiting.append(message)
                    self._bytes += _size(message)
            self._make_room()
            self._changed.notify()

    def take(self, timeout_s: float) -> tuple[list[Received], Counter[str]]:
        """Return what waits, and what was refused since the last time by its reason; wait for either if need be."""
        with self._changed:
            if not self._waiting and not self._refused:
                self._changed.wait(timeout_s)
            taken = [self._waiting.popleft() for _ in range(min(AT_ONCE, len(self._waiting)))]
            self._bytes -= sum(map(_size, taken))
            refused, self._refused = self._refused, Counter()
            return taken, refused

    def _make_room(self) -> None:
        while len(self._waiting) > self._most or (self._bytes > self._most_bytes and len(self._waiting) > 1):
            self._bytes -= _size(self._waiting.popleft())
            self._refused[FULL] += 1


def _size(message: Received) -> int:
    return len(message.payload) + len(message.topic)
