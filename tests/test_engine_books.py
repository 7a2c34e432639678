"""The engine's books read between ticks, whatever the engine does."""

from __future__ import annotations

import time
from threading import Event, Thread

from har_stream.accounting import Accounting
from har_stream.block_queue import BlockQueue
from har_stream.engine_books import EngineBooks
from har_stream.latency import Histogram
from har_stream.vitals import Reading
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
    with books.tick():
        reading = books.read(patience_s=0.05)
        assert reading.late
        assert (reading.buffered, balance(reading)) == (100, 0)
    assert not books.read().late


def test_an_engine_that_never_rests_lets_readers_in_between_two_ticks() -> None:
    books, _ = parts()
    stop = Event()

    def busy() -> None:
        while not stop.is_set():
            with books.tick():
                time.sleep(0.01)

    engine = Thread(target=busy)
    engine.start()
    try:
        begun_s = time.monotonic()
        assert not any(books.read().late for _ in range(20))
        assert time.monotonic() - begun_s < 2
    finally:
        stop.set()
        engine.join()
