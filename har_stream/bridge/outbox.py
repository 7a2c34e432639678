"""Messages on their way to a broker: bounded, the oldest go where it is away for long, and all is counted.

A message is published when the broker has said so. What was on its way when a connection broke is sent again with the
next one, so a receiver may see it twice, and refuses the second as late.
"""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Callable, Iterator
from threading import Event, Lock, Thread
from typing import Final

from har_stream.bridge.broker_uri import BrokerUri, client_id
from har_stream.bridge.cutting import Message
from har_stream.mqtt import connection
from har_stream.mqtt.link import BrokerLink
from har_stream.mqtt.publisher import AT_ONCE, Publisher
from har_stream.settings import MqttSettings

POLL_S: Final = 0.02

log = logging.getLogger(__name__)


class Outbox:
    """Publishes on one topic from threads of its own. Counts are in samples: published, dropped, waiting.

    on_idle is called at every turn of the thread that counts.
    """

    def __init__(
        self, broker: BrokerUri, settings: MqttSettings, topic: str, *, limit: int, on_idle: Callable[[], None]
    ) -> None:
        self._topic, self._limit, self._on_idle = topic, limit, on_idle
        self._queue: deque[Message] = deque()
        self._in_hand: list[Message] = []
        self._lock = Lock()
        self._end = Event()
        self._refused = False
        self._at_end: bool | None = None
        self.published = self.dropped = self.messages = 0
        self._publisher: Publisher[Message] = Publisher(broker.name, self._pack, self._wake)
        self._link = BrokerLink(broker.broker, settings, client_id=client_id(), traffic=self._publisher)
        self._threads = [
            Thread(target=work, name=f"outbox {work.__name__}", daemon=True) for work in (self._send, self._idle)
        ]

    @property
    def connected(self) -> bool:
        """Tell whether the broker takes messages; after close() whether it did."""
        return self._link.connected if self._at_end is None else self._at_end

    @property
    def waiting(self) -> int:
        """How many samples are in messages that the broker has not confirmed."""
        with self._lock:
            return sum(message.samples for message in (*self._queue, *self._in_hand))

    def start(self) -> None:
        """Begin to connect, for as long as it takes."""
        self._link.open()
        for thread in self._threads:
            thread.start()

    def put(self, messages: list[Message]) -> None:
        """Take messages; where there is no room the oldest go, counted."""
        with self._lock:
            self._queue.extend(messages)
            self._trim()

    def close(self, within_s: float) -> None:
        """Wait for what is on its way, as long as there is a connection, and leave."""
        until_s = time.monotonic() + within_s
        while self.waiting and self.connected and time.monotonic() < until_s:
            time.sleep(POLL_S)
        self._at_end = self._link.connected
        self._end.set()
        self._link.close()
        for thread in self._threads:
            thread.join(1.0)

    def _idle(self) -> None:
        while not self._end.wait(POLL_S):
            self._on_idle()

    def _send(self) -> None:
        while not self._end.wait(POLL_S):
            self._link.revive()
            while self.connected and not self._end.is_set() and self._take():
                self._book(self._delivered())

    def _delivered(self) -> int:
        try:
            return self._publisher.deliver(self._in_hand, alive=self._link.revive)
        except PermissionError as error:
            self._tell_refusal(error.strerror or str(error))
            with self._lock:
                self.dropped += sum(message.samples for message in self._in_hand)
                self._in_hand = []
            return 0

    def _take(self) -> bool:
        """Take the oldest messages in hand; False where there is none."""
        with self._lock:
            self._in_hand = [self._queue.popleft() for _ in range(min(AT_ONCE, len(self._queue)))]
        return bool(self._in_hand)

    def _book(self, delivered: int) -> None:
        """Count what the broker has confirmed; the rest waits on."""
        with self._lock:
            self.published += sum(message.samples for message in self._in_hand[:delivered])
            self.messages += delivered
            self._queue.extendleft(reversed(self._in_hand[delivered:]))
            self._in_hand = []
            self._trim()

    def _trim(self) -> None:
        while len(self._queue) > self._limit:
            self.dropped += self._queue.popleft().samples

    def _tell_refusal(self, why: str) -> None:
        """Say once that messages are being lost."""
        if not self._refused:
            log.error("%s; messages are lost until it takes them", why)
        self._refused = True

    def _wake(self) -> None:
        self._link.wake()

    def _pack(self, item: Message, *, again: bool) -> Iterator[connection.Message]:
        yield connection.Message(self._topic, item.payload)
