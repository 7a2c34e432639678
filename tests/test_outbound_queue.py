"""What goes out to a broker, against a model: whatever connects, breaks, comes and is acknowledged, in any order.

The sink and its queue are the daemon's own, the link is fake, and the test takes the link's turns.
"""

from __future__ import annotations

import json
import time
from unittest.mock import patch

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from har_stream.mqtt.connection import Message
from har_stream.settings import MqttSettings
from har_stream.sinks.mqtt import MqttSink
from har_stream.sinks.worker import SinkWorker
from har_stream.uri import parse_uri
from tests.fake_link import FakeConnection, FakeLink
from tests.predictions import prediction

LIMIT = 6
AT_ONCE = 4
PATIENCE_S = 60.0
FIRST = 1000
"""The first number of a label; its window begins at so many seconds, and its activity is named after it."""


class Model:
    """The queue as it should be: numbers that wait, that are with the broker's client, and what became of others."""

    def __init__(self) -> None:
        self.waiting: list[int] = []
        self.in_hand: list[int] = []
        self.delivered = 0
        self.written = 0
        self.dropped: list[int] = []

    def put(self, numbers: list[int]) -> None:
        self.waiting += numbers
        self._trim()

    def take(self) -> None:
        if not self.in_hand:
            self.in_hand, self.waiting = self.waiting[:AT_ONCE], self.waiting[AT_ONCE:]
            self.delivered = 0

    def deliver(self, number: int) -> None:
        assert number == self.in_hand[self.delivered]
        self.delivered += 1
        if self.delivered == len(self.in_hand):
            self.end()

    def end(self) -> None:
        self.written += self.delivered
        self.waiting = self.in_hand[self.delivered :] + self.waiting
        self.in_hand, self.delivered = [], 0
        self._trim()

    def _trim(self) -> None:
        surplus = max(0, len(self.waiting) - LIMIT)
        self.dropped += self.waiting[:surplus]
        del self.waiting[:surplus]


class OutboundQueue(RuleBasedStateMachine):
    """The rules; received is what a subscriber has seen so far."""

    def __init__(self) -> None:
        super().__init__()
        self.next = FIRST
        self.received: list[int] = []
        self.activities: list[int] = []
        self.lost_in_crashes: set[int] = set()
        self.dropped: set[int] = set()
        self.begin()

    def begin(self) -> None:
        with patch("har_stream.sinks.mqtt.BrokerLink", FakeLink):
            self.sink = MqttSink(parse_uri("mqtt://localhost/har"), MqttSettings())
        self.sink.at_once = AT_ONCE  # few, for the queue is short
        self.link: FakeLink = self.sink._link  # type: ignore[assignment]  # noqa: SLF001 - as it was put there
        self.publisher = self.sink._publisher  # noqa: SLF001 - what it waits for tells when all have done their part
        self.worker = SinkWorker(self.sink, limit=LIMIT, source_waits=False, on_closed=lambda: None)
        self.worker.start()
        self.model, self.confirmed, self.seen = Model(), 0, 0

    @rule(count=st.integers(1, 2 * LIMIT))
    def put(self, count: int) -> None:
        """Labels come."""
        numbers = list(range(self.next, self.next + count))
        self.next += count
        self.model.put(numbers)
        self.worker.put([prediction("watch", number + 2.54, label=f"at {number}") for number in numbers])
        self.settle()

    @precondition(lambda self: not self.link.connected)
    @rule(in_flight=st.integers(1, 5))
    def connect(self, in_flight: int) -> None:
        """The broker takes us."""
        self.confirmed = self.seen = 0
        self.link.connect(FakeConnection(in_flight))
        self.settle()

    @precondition(lambda self: self.link.connection is not None and self.link.connection.unacknowledged)
    @rule(data=st.data())
    def ack(self, data: st.DataObject) -> None:
        """The broker acknowledges a message, whichever."""
        assert self.link.connection is not None
        self.acknowledge(data.draw(st.sampled_from(self.link.connection.unacknowledged)))

    @precondition(lambda self: self.link.connected)
    @rule(reached=st.floats(0, 1))
    def drop(self, reached: float) -> None:
        """The connection breaks; some of what was not acknowledged had reached the broker."""
        connection = self.link.connection
        assert connection is not None
        self.see(round(self.seen + reached * (len(connection.published) - self.seen)))
        self.link.drop()
        self.model.end()
        self.settle()

    @rule(reached=st.floats(0, 1))
    def crash(self, reached: float) -> None:
        """Our process is killed, and begins anew with an empty queue."""
        if self.link.connected:
            self.drop(reached)
        self.lost_in_crashes |= set(self.model.waiting)
        self.dropped |= set(self.model.dropped)
        self.end()
        self.begin()
        self.settle()

    @invariant()
    def queue_is_as_the_model_has_it(self) -> None:
        vitals, model = self.worker.vitals(), self.model
        assert vitals.waiting == len(model.waiting) <= LIMIT
        assert self.worker.waiting == len(model.waiting) + len(model.in_hand)
        assert self.worker.written == model.written
        assert self.worker.dropped == len(model.dropped)

    @invariant()
    def nothing_comes_for_the_first_time_behind_a_later_one(self) -> None:
        first_seen = list(dict.fromkeys(self.received))
        assert first_seen == sorted(first_seen)
        assert self.activities == sorted(self.activities)

    def teardown(self) -> None:
        """In the end a broker takes all that was not dropped, counted, or lost with the process."""
        if not self.link.connected:
            self.connect(5)
        connection = self.link.connection
        assert connection is not None
        while connection.unacknowledged:
            self.acknowledge(connection.unacknowledged[0])
        assert not self.model.waiting + self.model.in_hand
        self.queue_is_as_the_model_has_it()
        self.nothing_comes_for_the_first_time_behind_a_later_one()
        lost = set(range(FIRST, self.next)) - set(self.received)
        assert lost <= self.dropped | set(self.model.dropped) | self.lost_in_crashes
        self.link.drop()
        self.end()

    def end(self) -> None:
        """Have the worker's thread gone, with nobody to say goodbye to."""
        self.worker._leave()  # noqa: SLF001 - no time for what waits
        self.worker.finish(time.monotonic() + PATIENCE_S)
        assert not self.worker.thread.is_alive()

    def acknowledge(self, number: int) -> None:
        connection = self.link.connection
        assert connection is not None
        connection.acknowledge_one(number)
        self.see(number + 1)
        while self.confirmed < len(connection.infos) and connection.infos[self.confirmed].is_published():
            item = number_of(connection.published[self.confirmed])
            self.confirmed += 1
            if item is not None:
                self.model.deliver(item)
        self.link.is_due = True
        self.settle()

    def see(self, count: int) -> None:
        """Let a subscriber see the first messages of this connection, as TCP brings them: in order."""
        connection = self.link.connection
        assert connection is not None
        for message in connection.published[self.seen : count]:
            number = number_of(message)
            if number is not None:
                self.received.append(number)
            elif message.topic.endswith("/activity"):
                self.activities.append(int(str(message.payload).removeprefix("at ")))
        self.seen = max(self.seen, count)

    def settle(self) -> None:
        """Take the link's turns until everybody waits for somebody else."""
        until_s = time.monotonic() + PATIENCE_S
        while not self.is_settled():
            assert time.monotonic() < until_s
            if self.link.is_due:
                self.link.turn()
            time.sleep(0)

    def is_settled(self) -> bool:
        publisher, worker = self.publisher, self.worker
        with publisher._changed, worker._changed:  # noqa: SLF001 - a moment in which neither moves
            if self.link.connected:
                self.model.take()
            idle = not worker._in_hand and not (worker._queue and self.link.connected)  # noqa: SLF001
            waits = self.link.connected and publisher._delivered < len(publisher._batch)  # noqa: SLF001
            return not self.link.is_due and (idle or waits)


def number_of(message: Message) -> int | None:
    """Return the number of the label that a message brings, None where it brings none."""
    return round(json.loads(message.payload)["window"][0]) if message.topic.endswith("/prediction") else None


def test_the_queue_is_as_its_model_whatever_happens() -> None:
    run_state_machine_as_test(OutboundQueue, settings=settings(stateful_step_count=20))
