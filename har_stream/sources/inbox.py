"""What came from a broker and waits to be decoded: bounded in messages and bytes, what goes over is counted."""

from __future__ import annotations

import time
from collections import Counter, deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from threading import Condition
from typing import Final

from har_stream.mqtt.connection import Received
from har_stream.progress import Progress
from har_stream.sources.shedding import STEP_S, Shedding
from har_stream.sources.topics import Sender

FULL: Final = "source_full"
SIZE: Final = "payload_size"
RETAINED: Final = "retained"
OVERLOAD: Final = "overload"
OVERDUE: Final = "overdue"

AT_ONCE: Final = 256
"""Messages handed over together at most: so many are decoded in a fraction of a second, however dear they are."""
AT_ONCE_IN_NEED: Final = 128
"""The same while devices sit out: how many can be served is told the sooner."""

CALM_S: Final = 0.1
"""Where no message waits for longer, more could be served."""
BEHIND_S: Final = 0.5
"""A message that waits for so long tells that more comes than can be served."""
OVERDUE_S: Final = 2.0
"""A message that has waited for so long is not worth its work while devices sit out."""
NOBODY: Final = Sender(None, "")


@dataclass(frozen=True, slots=True)
class Sent:
    """A message, and who sent it."""

    message: Received
    sender: Sender = NOBODY


class Inbox:
    """Between the network's thread, which only puts, and the source's, which takes.

    Where more comes than is taken, devices that the topic names sit out as `shedding` decides; else, where it is full,
    the oldest messages go: live samples lose their worth with time.
    """

    def __init__(
        self,
        *,
        messages: int,
        message_bytes: int,
        payload_limit: int,
        progress: Progress | None = None,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        """Hold so many messages and bytes; `progress` tells how many are done, `now` is the clock of their arrivals."""
        self._progress, self._now = progress or Progress(), now
        self._most, self._most_bytes, self._payload_limit = messages, message_bytes, payload_limit
        self._waiting: deque[Sent] = deque()
        self._bytes = 0
        self._refused: Counter[str] = Counter()
        self._changed = Condition()
        self.shedding = Shedding()
        self._offered, self._stepped_s = 0, -STEP_S

    @property
    def waiting(self) -> int:
        """Messages that wait."""
        with self._changed:
            return len(self._waiting)

    def put(self, messages: Iterable[Sent]) -> None:
        """Add messages, or count why not: what a broker retained is no live sample."""
        with self._changed:
            for sent in messages:
                self._put(sent)
            self._make_room()
            self._changed.notify()

    def take(self, timeout_s: float) -> tuple[list[Sent], Counter[str]]:
        """Return what waits, and what was refused since the last time by its reason; wait for either if need be."""
        with self._changed:
            if not self._waiting and not self._refused:
                self._changed.wait(timeout_s)
            self._leave_overdue(self._now())
            at_once = AT_ONCE_IN_NEED if self.shedding.active else AT_ONCE
            taken = [self._waiting.popleft() for _ in range(min(at_once, len(self._waiting)))]
            self._bytes -= sum(map(_size, taken))
            refused, self._refused = self._refused, Counter()
            return taken, refused

    def _put(self, sent: Sent) -> None:
        message = sent.message
        if message.retained:
            self._refused[RETAINED] += 1
        elif len(message.payload) > self._payload_limit:
            self._refused[SIZE] += 1
        else:
            self._offered += 1
            if message.arrival_s >= self._stepped_s + STEP_S:
                self._step(message.arrival_s)
            if self._sits_out(sent):
                self._refused[OVERLOAD] += 1
            else:
                self._waiting.append(sent)
                self._bytes += _size(sent)

    def _step(self, now_s: float) -> None:
        """Have it decided anew who sits out; what waits of those who do then goes at once."""
        seconds, before = now_s - self._stepped_s, self.shedding.served
        behind = len(self._waiting) > self._most // 2 or self._bytes > self._most_bytes // 2
        waited_s = now_s - self._waiting[0].message.arrival_s if self._waiting else 0.0
        behind, calm = behind or waited_s > BEHIND_S, waited_s <= CALM_S
        done, waiting = self._progress.take(), len(self._waiting)
        self.shedding.step(seconds, offered=self._offered, done=done, waiting=waiting, behind=behind, calm=calm)
        self._stepped_s, self._offered = now_s, 0
        if self.shedding.served < before:
            kept = [sent for sent in self._waiting if not self._sits_out(sent)]
            if len(kept) < len(self._waiting):  # else there would be a refusal of nothing
                self._refused[OVERLOAD] += len(self._waiting) - len(kept)
                self._waiting = deque(kept)
                self._bytes = sum(map(_size, kept))

    def _sits_out(self, sent: Sent) -> bool:
        device = sent.sender.device
        return device is not None and self.shedding.sits_out(device)

    def _leave_overdue(self, now_s: float) -> None:
        while self.shedding.active and self._waiting and now_s - self._waiting[0].message.arrival_s > OVERDUE_S:
            self._drop_oldest(OVERDUE)

    def _make_room(self) -> None:
        while len(self._waiting) > self._most or (self._bytes > self._most_bytes and len(self._waiting) > 1):
            self._drop_oldest(FULL)

    def _drop_oldest(self, reason: str) -> None:
        self._bytes -= _size(self._waiting.popleft())
        self._refused[reason] += 1


def _size(sent: Sent) -> int:
    return len(sent.message.payload) + len(sent.message.topic)
