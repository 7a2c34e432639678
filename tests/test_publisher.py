"""What goes out over a link, against a connection that takes, acknowledges and breaks as it is told."""

from __future__ import annotations

import time
from collections.abc import Iterator
from threading import Event, Thread
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from har_stream.mqtt.connection import Connection, Message
from har_stream.mqtt.publisher import Publisher
from tests.fake_link import FakeConnection

PATIENCE_S = 60.0


def pack(item: int, *, again: bool) -> Iterator[Message]:
    if not again:
        yield Message("state", f"state {item}", retain=True)
    yield Message("item", str(item))


def turn(publisher: Publisher[int], connection: FakeConnection) -> None:
    publisher.turn(cast("Connection", connection))


def connected(publisher: Publisher[int]) -> FakeConnection:
    connection = FakeConnection()
    publisher.begin(cast("Connection", connection))
    return connection


class Delivery:
    """deliver() in a thread of its own, as a sink's is."""

    def __init__(self, publisher: Publisher[int], items: list[int]) -> None:
        self.result: int | Exception = -1
        woken = Event()
        publisher._wake = woken.set  # noqa: SLF001 - tells that deliver() waits
        self._thread = Thread(target=self._run, args=(publisher, items))
        self._thread.start()
        assert woken.wait(PATIENCE_S)

    def _run(self, publisher: Publisher[int], items: list[int]) -> None:
        try:
            self.result = publisher.deliver(items)
        except PermissionError as error:
            self.result = error

    def done(self) -> Any:
        self._thread.join(PATIENCE_S)
        assert not self._thread.is_alive()
        return self.result


def test_nothing_is_delivered_without_a_connection() -> None:
    assert Publisher[int]("x", pack, lambda: None).deliver([1, 2]) == 0


def test_only_a_few_are_in_flight_and_what_was_not_acknowledged_is_left() -> None:
    publisher = Publisher[int]("x", pack, lambda: None)
    connection = connected(publisher)
    delivery = Delivery(publisher, [1, 2, 3, 4])
    turn(publisher, connection)
    assert connection.texts == ["state 1", "1", "state 2", "2"]
    turn(publisher, connection)
    assert len(connection.texts) == 4
    connection.acknowledge(3)
    turn(publisher, connection)
    publisher.end()
    assert delivery.done() == 1


def test_what_goes_out_again_tells_no_older_state() -> None:
    publisher = Publisher[int]("x", pack, lambda: None)
    items = [10**6 + n for n in range(4)]  # not the interpreter's own small numbers: items are told apart by identity
    first = connected(publisher)
    delivery = Delivery(publisher, items)
    turn(publisher, first)
    publisher.end()
    assert delivery.done() == 0
    cut = connected(publisher)
    delivery = Delivery(publisher, items)
    cut.in_flight = 2
    turn(publisher, cut)
    assert cut.texts == ["state 1000001", "1000000"]
    publisher.end()
    assert delivery.done() == 0
    last = connected(publisher)
    last.in_flight = 100
    delivery = Delivery(publisher, items)
    turn(publisher, last)
    last.acknowledge(100)
    turn(publisher, last)
    assert delivery.done() == 4
    states = ["state 1000001", "1000000", "1000001", "state 1000002", "1000002", "state 1000003", "1000003"]
    assert last.texts == states


def test_what_is_retained_goes_first_and_at_each_connect_and_the_newest_counts() -> None:
    publisher = Publisher[int]("x", pack, lambda: None)
    publisher.retain("a", "old")
    publisher.retain("a", "new")
    publisher.retain("b", "once", keep=False)
    publisher.retain("c", "")
    first = connected(publisher)
    turn(publisher, first)
    assert [(one.topic, one.payload, one.retain) for one in first.published] == [
        ("a", "new", True), ("b", "once", True), ("c", "", True),
    ]  # fmt: skip
    publisher.end()
    second = connected(publisher)
    turn(publisher, second)
    assert second.texts == ["new"]


def test_a_refused_item_is_told_when_the_others_are_delivered() -> None:
    publisher = Publisher[int]("x", pack, lambda: None)
    connection = connected(publisher)
    delivery = Delivery(publisher, [1])
    turn(publisher, connection)
    publisher.refused(2, "Not authorized")
    connection.acknowledge(2)
    turn(publisher, connection)
    assert "the broker refuses item: Not authorized" in str(delivery.done())


def test_a_clogged_network_is_given_no_more() -> None:
    publisher = Publisher[int]("x", pack, lambda: None)
    connection = connected(publisher)
    connection.clogged = True
    publisher.retain("a", "b")
    turn(publisher, connection)
    assert not connection.published


@pytest.mark.filterwarnings("ignore::hypothesis.errors.NonInteractiveExampleWarning")
@given(st.lists(st.tuples(st.integers(0, 9), st.integers(1, 6)), max_size=6), st.integers(1, 12))
def test_whenever_connections_break_items_come_in_order_and_states_never_go_back(
    lives: list[tuple[int, int]], count: int
) -> None:
    publisher = Publisher[int]("x", pack, lambda: None)
    left, seen, states = [10**6 + n for n in range(count)], list[int](), list[int]()
    for acknowledged, in_flight in [*lives, (1000, 50)]:
        if not left:
            break
        connection = connected(publisher)
        connection.in_flight = in_flight
        delivery = Delivery(publisher, left)
        until_s = time.monotonic() + PATIENCE_S
        turn(publisher, connection)
        for _ in range(acknowledged):
            connection.acknowledge(1)
            turn(publisher, connection)
            assert time.monotonic() < until_s
        publisher.end()
        left = left[delivery.done() :]
        for message in connection.published:
            (states if message.topic == "state" else seen).append(int(str(message.payload).split()[-1]))
    assert not left
    assert list(dict.fromkeys(seen)) == [10**6 + n for n in range(count)]
    assert states == sorted(states)


def test_who_delivers_is_woken_by_the_last_item_whatever_else_is_in_flight(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("har_stream.mqtt.publisher.POLL_S", 60.0)
    publisher = Publisher[int]("x", pack, lambda: None)
    connection = connected(publisher)
    delivery = Delivery(publisher, [1])
    turn(publisher, connection)
    publisher.retain("status", "online")
    turn(publisher, connection)
    assert connection.texts == ["state 1", "1", "online"]
    connection.acknowledge(2)
    turn(publisher, connection)
    assert delivery.done() == 1
