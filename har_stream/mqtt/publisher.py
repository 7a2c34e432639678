"""What goes out over a link: items in order, acknowledged or sent again, and what is retained, told at each connect.

    deliver(items) -> a few in flight -> acknowledged -> counted
    retain(topic)  -> goes before items; at each connect all of it, as it is then

An item is what `pack` makes one or more messages of; it is delivered when the broker has acknowledged the last of them
(QoS 1) or the system has taken it (QoS 0). What was not is offered again by who called deliver(): a receiver may see an
item twice, but none is lost, and none comes for the first time behind a later one. Memory is bounded: at most a few
messages are with the client, whatever the broker does.
"""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Callable, Iterable
from threading import Condition
from typing import Final, Generic, Protocol, TypeVar

from paho.mqtt.client import MQTTMessageInfo

from har_stream.mqtt.connection import IN_FLIGHT, Connection, Message
from har_stream.mqtt.frugal_client import Handed

AT_ONCE: Final = 10 * IN_FLIGHT
"""Items for one call: so many that the few in flight follow each other without a pause."""
POLL_S: Final = 0.5

T = TypeVar("T")
T_contra = TypeVar("T_contra", contravariant=True)
log = logging.getLogger(__name__)


class Pack(Protocol[T_contra]):
    """Makes messages of an item as it goes out, in the link's thread."""

    def __call__(self, item: T_contra, *, again: bool) -> Iterable[Message]:
        """Return at least one; `again` tells that an earlier connection took the item, and so perhaps the broker."""


class Publisher(Generic[T]):
    """The traffic of a BrokerLink, see har_stream.mqtt.link.Traffic; `wake` is the link's."""

    def __init__(self, name: str, pack: Pack[T], wake: Callable[[], None]) -> None:
        self._name, self._pack, self._wake = name, pack, wake
        self._changed = Condition()
        self._open = False
        self._batch: list[T] = []
        self._packed = self._delivered = 0
        self._begun: list[T] = []
        self._in_flight: deque[tuple[Handed | MQTTMessageInfo, str, bool]] = deque()
        self._retained: dict[str, str] = {}
        self._passing: set[str] = set()
        self._untold: dict[str, None] = {}
        self._refusal = ""
        self._told_refusals: set[str] = set()

    def deliver(self, items: list[T], alive: Callable[[], None] = lambda: None) -> int:
        """Publish items; returns how many of them, from the first on, are delivered, when no more will be.

        Waits for the broker; `alive` is called now and then meanwhile. Raises PermissionError where the broker refused
        one of them, after the others are delivered.
        """
        with self._changed:
            if not self._open:
                return 0
            self._batch, self._packed, self._delivered, self._refusal = items, 0, 0, ""
            self._wake()
            while self._open and self._delivered < len(items):
                if not self._changed.wait(POLL_S):
                    alive()
            left = items[self._delivered :]
            begun = self._packed - self._delivered
            self._begun = left[:begun] + [item for item in left[begun:] if self._was_begun(item)]
            delivered, self._batch = self._delivered, []
            if self._refusal:
                raise PermissionError(0, self._refusal)
            return delivered

    def _was_begun(self, item: T) -> bool:
        return any(item is begun for begun in self._begun)

    def retain(self, topic: str, payload: str, *, keep: bool = True) -> None:
        """Have the broker retain a payload, now and after each connect; the newest counts. "" removes it there.

        keep=False tells it once, and forgets it. May be called from any thread.
        """
        with self._changed:
            self._retained[topic] = payload
            if keep and payload:
                self._passing.discard(topic)
            else:
                self._passing.add(topic)
            self._untold[topic] = None
        self._wake()

    def forget(self, topic: str) -> None:
        """Tell a topic no more; what the broker retains there stays."""
        with self._changed:
            self._retained.pop(topic, None)
            self._untold.pop(topic, None)

    def retained(self, topic: str) -> str | None:
        """Return what a topic is to retain."""
        return self._retained.get(topic)

    def flush(self, deadline_s: float) -> None:
        """Wait until the broker has acknowledged all, at the latest until time.monotonic() reaches deadline_s."""
        with self._changed:
            self._changed.wait_for(
                lambda: not self._open or not (self._untold or self._in_flight),
                timeout=max(0.0, deadline_s - time.monotonic()),
            )

    # What the link calls, in its own thread.

    def begin(self, connection: Connection) -> None:
        """Tell all again that is retained: it may be gone with the broker that was there before."""
        with self._changed:
            self._untold = dict.fromkeys(self._retained)
            self._open = True

    def turn(self, connection: Connection) -> None:
        """Note what was acknowledged, and publish as much as may be in flight."""
        with self._changed:
            self._confirm()
            while len(self._in_flight) < connection.in_flight and not connection.clogged:
                if self._untold:
                    self._tell_retained(connection)
                elif self._packed < len(self._batch):
                    self._publish_next(connection)
                else:
                    break
                self._confirm()

    def refused(self, mid: int, reason: str) -> None:
        """Note that the broker would not take a message."""
        topic, item = next(((topic, item) for info, topic, item in self._in_flight if info.mid == mid), ("", False))
        why = f"the broker refuses {topic}: {reason}"
        if item:
            self._refusal = why
        elif why not in self._told_refusals and len(self._told_refusals) < AT_ONCE:
            self._told_refusals.add(why)
            log.warning("%s: %s", self._name, why)

    def end(self) -> None:
        """Let go of what was in flight."""
        with self._changed:
            self._open = False
            self._in_flight.clear()
            self._changed.notify_all()

    def _tell_retained(self, connection: Connection) -> None:
        topic = next(iter(self._untold))
        del self._untold[topic]
        payload = self._retained[topic]
        if topic in self._passing:
            self._passing.discard(topic)
            del self._retained[topic]
        self._send(connection, Message(topic, payload, qos=1, retain=True), item=False)

    def _publish_next(self, connection: Connection) -> None:
        item = self._batch[self._packed]
        messages = list(self._pack(item, again=self._was_begun(item)))
        self._packed += 1
        for number, message in enumerate(messages, 1):
            if message.retain:
                self._retained[message.topic] = str(message.payload)
            self._send(connection, message, item=number == len(messages))

    def _send(self, connection: Connection, message: Message, *, item: bool) -> None:
        self._in_flight.append((connection.publish(message), message.topic, item))

    def _confirm(self) -> None:
        """Count what the broker has acknowledged, oldest first, and wake who waits for the last of it."""
        before = len(self._in_flight)
        while self._in_flight and self._in_flight[0][0].is_published():
            self._delivered += self._in_flight.popleft()[2]
        if len(self._in_flight) < before and (not self._in_flight or self._delivered == len(self._batch)):
            self._changed.notify_all()
