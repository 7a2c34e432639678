"""The queue between source and engine: what is lost is counted, what is not keeps its order."""

from __future__ import annotations

from collections.abc import Callable
from threading import Event, Thread

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from har_stream.accounting import Accounting
from har_stream.block_queue import FEW, UNPACED_TICKS, BlockQueue
from har_stream.samples import Block, SampleBlock, Tick, singly

PATIENCE_S = 60.0
"""How long a thread may take before it counts as stuck."""


def block(sequence: int, samples: int = 1) -> SampleBlock:
    return SampleBlock("a", sequence, 0.0, 50.0, np.zeros((samples, 6), np.float32))


def queue(*, paced: bool, limit: int = 3) -> tuple[BlockQueue, Accounting]:
    books = Accounting()
    return BlockQueue(limit=limit, paced=paced, accounting=books), books


def sequences(tick: Tick | None) -> list[int]:
    return [held.sequence for held in tick or [] if isinstance(held, SampleBlock)]


def waiting_put(waiting: BlockQueue, tick: list[Block]) -> tuple[Thread, Event]:
    """Start a put that must wait; the event tells when it is through."""
    done = Event()

    def work() -> None:
        waiting.put(tick)
        done.set()

    thread = Thread(target=work, daemon=True)
    thread.start()
    assert not done.wait(0.05)
    return thread, done


def test_a_paced_queue_gives_all_that_waits_at_once_in_order() -> None:
    paced, _ = queue(paced=True)
    paced.put([block(0), block(1)])
    paced.put([block(2)])
    assert sequences(paced.get()) == [0, 1, 2]
    assert paced.buffered == 0


def test_a_paced_queue_drops_the_oldest_counted_in_samples() -> None:
    paced, books = queue(paced=True)
    for sequence in range(5):
        paced.put([block(sequence, samples=10)])
    assert (books.dropped, paced.buffered, books.balance(30)) == ({"queue_full": 20}, 30, 0)
    assert sequences(paced.get()) == [2, 3, 4]


def test_room_made_by_taking_is_room_again() -> None:
    paced, books = queue(paced=True)
    for _ in range(3):
        for sequence in range(3):
            paced.put([block(sequence)])
        assert sequences(paced.get()) == [0, 1, 2]
    assert not books.dropped


def test_the_newest_tick_stays_even_where_it_alone_is_too_large() -> None:
    paced, books = queue(paced=True)
    paced.put([block(0)])
    paced.put([block(sequence) for sequence in range(1, 6)])
    assert sequences(paced.get()) == [1, 2, 3, 4, 5]
    assert books.dropped == {"queue_full": 1}


def test_a_queue_that_is_not_paced_gives_tick_by_tick() -> None:
    unpaced, books = queue(paced=False, limit=1)
    for sequence in range(UNPACED_TICKS):
        unpaced.put([block(sequence), block(sequence)])
    assert [sequences(unpaced.get()) for _ in range(UNPACED_TICKS)] == [[n, n] for n in range(UNPACED_TICKS)]
    assert not books.dropped


@pytest.mark.parametrize("release", ["get", "close", "discard"])
def test_a_source_that_is_not_paced_waits_for_room(release: str) -> None:
    unpaced, books = queue(paced=False)
    for sequence in range(UNPACED_TICKS):
        unpaced.put([block(sequence)])
    thread, done = waiting_put(unpaced, [block(9)])
    assert books.samples_in == UNPACED_TICKS
    releases: dict[str, Callable[[], object]] = {
        "get": unpaced.get,
        "close": unpaced.close,
        "discard": lambda: unpaced.discard("shutdown"),
    }
    releases[release]()
    assert done.wait(PATIENCE_S)
    thread.join()
    assert books.samples_in == UNPACED_TICKS + 1
    assert books.balance(unpaced.buffered) == (1 if release == "get" else 0)


@pytest.mark.parametrize("paced", [True, False])
def test_after_close_what_waits_can_be_had_and_what_comes_is_dropped(*, paced: bool) -> None:
    closed, books = queue(paced=paced)
    closed.put([block(0)])
    closed.close()
    closed.put([block(1, samples=7)])
    assert sequences(closed.get()) == [0]
    assert closed.get() is None
    assert (books.samples_in, books.dropped) == (8, {"shutdown": 7})


def test_get_waits_for_a_tick() -> None:
    paced, _ = queue(paced=True)
    taken: list[list[int]] = []
    thread = Thread(target=lambda: taken.append(sequences(paced.get())), daemon=True)
    thread.start()
    paced.put([block(5)])
    thread.join(PATIENCE_S)
    assert taken == [[5]]


def test_close_ends_a_get_that_waits() -> None:
    paced, _ = queue(paced=True)
    thread = Thread(target=paced.get, daemon=True)
    thread.start()
    paced.close()
    thread.join(PATIENCE_S)
    assert not thread.is_alive()


def test_discard_counts_what_waited_under_its_reason() -> None:
    paced, books = queue(paced=True)
    paced.put([block(0, samples=4), block(1, samples=5)])
    paced.discard("shutdown")
    assert (paced.buffered, books.dropped, books.balance(0)) == (0, {"shutdown": 9}, 0)
    paced.put([block(2), block(3), block(4)])
    assert sequences(paced.get()) == [2, 3, 4]


@given(
    limit=st.integers(1, 6),
    steps=st.lists(st.lists(st.integers(0, 5), max_size=4) | st.sampled_from(["get", "discard", "close"]), max_size=40),
)
def test_in_is_taken_plus_dropped_plus_buffered_and_order_is_kept(limit: int, steps: list[list[int] | str]) -> None:
    paced, books = queue(paced=True, limit=limit)
    taken: list[Block] = []
    sequence, waiting = 0, 0
    for step in steps:
        if isinstance(step, list):
            paced.put([block(sequence + at, samples) for at, samples in enumerate(step)])
            sequence, waiting = sequence + len(step), waiting + 1
        elif step != "get":
            paced.discard("shutdown") if step == "discard" else paced.close()
            waiting = waiting if step == "close" else 0
        elif waiting:
            taken += singly(paced.get() or [])
            waiting = 0
        assert books.balance(paced.buffered) == sum(held.samples for held in taken)
    assert sequences(taken) == sorted(set(sequences(taken)))


def test_an_engine_that_finds_nothing_gets_its_turn() -> None:
    paced, _ = queue(paced=True)
    assert paced.get(0.01) == []
    paced.put([block(0)])
    assert sequences(paced.get(0.01)) == [0]
    paced.close()
    assert paced.get(0.01) is None


def test_of_ticks_that_are_taken_together_the_oldest_tells_when_they_arrived() -> None:
    paced, _ = queue(paced=True)
    paced.put([block(0)], 5.0)
    paced.put([block(1)], 6.0)
    assert paced.blocks == 2
    assert sequences(paced.get()) == [0, 1]
    assert (paced.arrived_s, paced.blocks) == (5.0, 0)
    paced.put([block(2)])
    paced.get()
    assert np.isnan(paced.arrived_s)


# --- a source with a queue of its own ---------------------------------------------------------------------------------


def test_what_passes_by_is_in_the_books_and_in_hand_until_it_is_taken() -> None:
    paced, books = queue(paced=True)
    assert paced.pass_by([block(0, samples=5)], 7.5)
    assert (paced.arrived_s, paced.buffered, paced.held()[1], books.samples_in) == (7.5, 0, 5, 5)
    assert not paced.pass_by([block(1)], 8.0)
    paced.taken()
    assert paced.pass_by([block(1)], 8.0)


def test_nothing_passes_what_waits_or_was_given() -> None:
    paced, books = queue(paced=True)
    paced.put([block(0)])
    assert not paced.pass_by([block(1)], 0.0)
    paced.get()
    assert not paced.pass_by([block(1)], 0.0)
    paced.taken()
    assert paced.pass_by([block(1)], 0.0)
    assert books.samples_in == 2


def test_many_samples_wait_as_do_those_of_a_source_that_is_not_paced_or_of_the_end() -> None:
    paced, books = queue(paced=True)
    assert not paced.pass_by([block(0, samples=FEW + 1)], 0.0)
    paced.close()
    unpaced, others = queue(paced=False)
    assert not paced.pass_by([block(0)], 0.0)
    assert not unpaced.pass_by([block(0)], 0.0)
    assert books.samples_in == others.samples_in == 0


# --- fleets -----------------------------------------------------------------------------------------------------------
