"""The engine's books read between ticks, whatever the engine does."""

from __future__ import annotations

import math
import time
from dataclasses import replace
from threading import Event, Thread
from unittest.mock import Mock

import pytest

from har_stream.accounting import Accounting
from har_stream.block_queue import BlockQueue
from har_stream.engine_books import LATE_S, EngineBooks
from har_stream.latency import Histogram
from har_stream.vitals import Reading
from tests.held_up import HeldUp
from tests.motion import block, motion, pipeline


def parts() -> tuple[EngineBooks, BlockQueue]:
    accounting = Accounting()
    queue = BlockQueue(limit=10, paced=True, accounting=accounting)
    books = EngineBooks(
        queue, pipeline(accounting), Histogram((1.0,)), now=time.monotonic, stale_after_s=5.0, per_device=0
    )
    return books, queue


def balance(reading: Reading) -> int:
    books = reading.books
    fates = books.used + sum(books.refused.values()) + sum(books.dropped.values()) + reading.buffered
    return books.samples_in - fates


def test_a_tick_in_the_engines_hand_is_buffered() -> None:
    books, queue = parts()
    queue.put([block(motion(1, 100))])
    assert (books.read().buffered, balance(books.read())) == (100, 0)
    queue.get()
    assert (books.read().buffered, balance(books.read())) == (100, 0)


def test_an_engine_that_is_stuck_is_told_with_what_was_read_last() -> None:
    books, queue = parts()
    queue.put([block(motion(1, 100))])
    books.read()
    queue.put([block(motion(1, 100), 100)])
    with books:
        reading = books.read(patience_s=0.05)
        assert not reading.late, "it took a turn a moment ago"
        assert (reading.buffered, balance(reading)) == (100, 0)
        books.beat_s -= LATE_S
        assert replace(books.read(patience_s=0.05), late=False) == reading
        assert books.read(patience_s=0.05).late
    assert not books.read().late


def test_who_cannot_wait_for_a_long_tick_gets_what_stood_after_the_one_before(monkeypatch: pytest.MonkeyPatch) -> None:
    books, queue = parts()
    for long_s, known in ((math.inf, 0), (0.0, 200)):
        monkeypatch.setattr("har_stream.engine_books.LONG_S", long_s)
        queue.put([block(motion(1, 100))])
        queue.get()
        with books:
            pass
        with books:
            assert books.read(patience_s=0.01).books.samples_in == known


def test_who_waits_at_the_door_waits_the_less_for_the_room(monkeypatch: pytest.MonkeyPatch) -> None:
    books, _ = parts()
    door, room = Mock(), Mock()
    monkeypatch.setattr(books, "_door", door)
    monkeypatch.setattr(books, "_room", room)
    monkeypatch.setattr("har_stream.engine_books.time.monotonic", lambda: 0.25 * door.acquire.call_count)
    room.acquire.return_value = False
    books.read(patience_s=0.5)
    door.acquire.assert_called_once_with(timeout=0.5)
    room.acquire.assert_called_once_with(timeout=0.25)
    door.release.assert_called_once_with()
    room.release.assert_not_called()


def test_an_engine_that_never_rests_lets_readers_in_between_two_ticks() -> None:
    books, _ = parts()
    stop = Event()

    def busy() -> None:
        while not stop.is_set():
            with books:
                time.sleep(0.01)

    engine = Thread(target=busy)
    engine.start()
    try:
        held_up, begun_s = HeldUp(), time.monotonic()
        assert not any(books.read().late for _ in range(20))
        assert time.monotonic() - begun_s - held_up.look() < 2
    finally:
        stop.set()
        engine.join()
