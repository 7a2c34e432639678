"""What waits to be decoded: bounded, counted, and handed over at once."""

from __future__ import annotations

import time
from threading import Thread

import numpy as np

from har_stream.mqtt.connection import Received
from har_stream.progress import Progress
from har_stream.sources.inbox import Inbox, Sent
from har_stream.sources.topics import Sender
from tests.held_up import held_up_s


def inbox(messages: int = 10, message_bytes: int = 1000, payload_limit: int = 100) -> Inbox:
    return Inbox(messages=messages, message_bytes=message_bytes, payload_limit=payload_limit)


def put(one: Inbox, payload: bytes, *, retained: bool = False) -> None:
    one.put([Sent(Received("t", payload, retained, time.monotonic()))])


def test_all_that_waits_comes_together_in_order() -> None:
    one = inbox()
    for number in range(3):
        put(one, b"%d" % number)
    assert one.waiting == 3
    messages, refused = one.take(0.0)
    assert one.waiting == 0
    assert [sent.message.payload for sent in messages] == [b"0", b"1", b"2"]
    assert not refused
    assert one.take(0.0) == ([], {})


def test_of_too_many_messages_the_oldest_go_and_are_counted() -> None:
    one = inbox(messages=2)
    for number in range(5):
        put(one, b"%d" % number)
    messages, refused = one.take(0.0)
    assert [sent.message.payload for sent in messages] == [b"3", b"4"]
    assert refused == {"source_full": 3}


def test_of_too_many_bytes_the_oldest_go_and_are_counted() -> None:
    one = inbox(message_bytes=250)
    for _ in range(5):
        put(one, bytes(99))
    assert [len(one.take(0.0)[0]) for _ in range(2)] == [2, 0]
    for _ in range(5):
        put(one, bytes(99))
    messages, refused = one.take(0.0)
    assert (len(messages), refused) == (2, {"source_full": 3})


def test_a_message_larger_than_the_room_for_all_is_still_taken_alone() -> None:
    one = inbox(message_bytes=10)
    put(one, bytes(90))
    assert len(one.take(0.0)[0]) == 1


def test_what_is_too_long_or_was_retained_is_counted_and_not_kept() -> None:
    one = inbox()
    put(one, bytes(101))
    put(one, b"old", retained=True)
    put(one, bytes(100))
    messages, refused = one.take(0.0)
    assert [len(sent.message.payload) for sent in messages] == [100]
    assert refused == {"payload_size": 1, "retained": 1}


def test_a_flood_is_handed_over_in_parts() -> None:
    one = inbox(messages=5000, message_bytes=10**6)
    for _ in range(300):
        put(one, b"x")
    assert [len(one.take(0.0)[0]) for _ in range(2)] == [256, 44]


def test_who_waits_gets_a_message_within_a_millisecond() -> None:
    one = inbox()
    waits_s: list[float] = []

    def take() -> None:
        while len(waits_s) < 100:
            messages, _ = one.take(1.0)
            now_s, held_s = time.monotonic(), held_up_s()
            waits_s.extend(now_s - sent.message.arrival_s - (held_s - float(sent.message.payload)) for sent in messages)

    taker = Thread(target=take)
    taker.start()
    while taker.is_alive():
        time.sleep(0.003)
        put(one, repr(held_up_s()).encode())
    assert np.percentile(waits_s, 25) < 1e-3  # the rest is what a busy machine makes of it


def test_what_comes_together_is_put_together() -> None:
    one = inbox(messages=2)
    one.put(Sent(Received("t", payload, retained=False, arrival_s=0.0)) for payload in (b"0", b"1", bytes(101), b"2"))
    messages, refused = one.take(0.0)
    assert [sent.message.payload for sent in messages] == [b"1", b"2"]
    assert refused == {"source_full": 1, "payload_size": 1}


def test_what_waits_of_those_who_sit_out_leaves_its_room() -> None:
    progress = Progress()
    one = Inbox(messages=1000, message_bytes=2100, payload_limit=100, progress=progress, now=lambda: 0.0)
    for at_s in (0.5, 1.2, 1.9):  # behind twice, as messages wait for too long: half of the devices sit out
        progress.add(1, busy_s=0.5, ended_s=at_s)
        one.put(Sent(Received("t", bytes(79), retained=False, arrival_s=at_s), Sender(f"d{n}", "")) for n in range(12))
    assert one.shedding.served == 0.5
    messages, refused = one.take(0.0)
    assert len(messages) + refused["overload"] == 36
    assert set(refused) == {"overload"}, "there was room for all that stayed"
