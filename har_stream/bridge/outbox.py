"""Messages on their way to a broker: bounded, the oldest go where it is away for long, and all is counted.

QoS 1: a message is published when the broker has said so. What was on its way when a connection broke is sent again
with the next one, so a receiver may see it twice, and refuses the second as late.
"""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Callable
from threading import Event, Lock, Thread
from typing import Any, Final

from paho.mqtt.client import Client, MQTTMessageInfo

from har_stream.bridge.broker_uri import BrokerUri
from har_stream.bridge.cutting import Message

IN_FLIGHT: Final = 20
"""Messages that wait for the broker's word at once."""

KEEPALIVE_S: Final = 15
BACKOFF_S: Final = (1, 10)
POLL_S: Final = 0.02

log = logging.getLogger(__name__)


class Outbox:
    """Publishes on one topic from a thread of its own. Counts are in samples: published, dropped, waiting.

    on_idle is called at every turn of the thread.
    """

    def __init__(self, broker: BrokerUri, topic: str, *, limit: int, on_idle: Callable[[], None]) -> None:
        self._broker, self._topic, self._limit, self._on_idle = broker, topic, limit, on_idle
        self._queue: deque[Message] = deque()
        self._in_flight: deque[tuple[MQTTMessageInfo, int]] = deque()
        self._lock = Lock()
        self._end = Event()
        self._away = False
        self.connected = False
        self.published = self.dropped = self.messages = 0
        self._client = broker.client()
        self._client.reconnect_delay_set(*BACKOFF_S)
        self._client.on_connect = self._on_connect
        self._client.on_connect_fail = self._on_connect_fail
        self._client.on_disconnect = self._on_disconnect
        self._thread = Thread(target=self._work, name="outbox", daemon=True)

    @property
    def waiting(self) -> int:
        """How many samples are in messages that the broker has not confirmed."""
        with self._lock:
            return sum(message.samples for message in self._queue) + sum(samples for _, samples in self._in_flight)

    def start(self) -> None:
        """Begin to connect, for as long as it takes."""
        self._client.connect_async(self._broker.broker.host, self._broker.broker.port, keepalive=KEEPALIVE_S)
        self._client.loop_start()
        self._thread.start()

    def put(self, messages: list[Message]) -> None:
        """Take messages; where there is no room the oldest go, counted."""
        with self._lock:
            self._queue.extend(messages)
            while len(self._queue) > self._limit:
                self.dropped += self._queue.popleft().samples

    def close(self, within_s: float) -> None:
        """Wait for what is on its way, as long as there is a connection, and leave."""
        until_s = time.monotonic() + within_s
        while self.waiting and self.connected and time.monotonic() < until_s:
            time.sleep(POLL_S)
        self._end.set()
        self._thread.join(1.0)
        if self.connected:
            self._client.disconnect()

    def _work(self) -> None:
        while not self._end.wait(POLL_S):
            self._on_idle()
            self._confirm()
            while self.connected and len(self._in_flight) < IN_FLIGHT and self._publish():
                pass

    def _publish(self) -> bool:
        """Hand the oldest message to the client; False where there is none."""
        with self._lock:
            if not self._queue:
                return False
            message = self._queue.popleft()
            # A message that the client takes as the connection breaks is sent by it with the next one.
            self._in_flight.append((self._client.publish(self._topic, message.payload, qos=1), message.samples))
        return True

    def _confirm(self) -> None:
        """Count what the broker has confirmed, oldest first."""
        while self._in_flight and self._in_flight[0][0].is_published():
            with self._lock:
                self.published += self._in_flight.popleft()[1]
                self.messages += 1

    # The callbacks run on paho's thread, which an exception would end for good: they set flags and log, no more.

    def _on_connect(self, _client: Client, _data: Any, _flags: Any, reason: Any, _properties: Any) -> None:
        if reason.is_failure:
            self._say_away(f"refuses us: {reason}")
            return
        log.info("%s: connected", self._broker.name)
        self._away, self.connected = False, True

    def _on_connect_fail(self, _client: Client, _data: Any) -> None:
        self._say_away("not reachable")

    def _on_disconnect(self, _client: Client, _data: Any, _flags: Any, reason: Any, _properties: Any) -> None:
        if reason.is_failure:  # else it is us who leave
            self.connected = False
            self._say_away(f"connection lost: {reason}")

    def _say_away(self, why: str) -> None:
        if not self._away:
            log.warning("%s: %s; trying again until it is there", self._broker.name, why)
        self._away = True
