"""The queue for a source with a queue of its own: it is told of progress, waits for room, and hands over in pieces."""

from __future__ import annotations

from threading import Thread

import numpy as np
import pytest

from har_stream.accounting import Accounting
from har_stream.block_queue import MOST_WAITING, PIECE, BlockQueue
from har_stream.progress import Progress
from har_stream.samples import Block, FleetBlock, count
from tests.test_block_queue import PATIENCE_S, block, queue, sequences


def test_a_source_that_is_told_of_progress_waits_for_room_and_loses_nothing() -> None:
    paced, books = queue(paced=True, limit=10**6)
    progress = Progress()
    big: list[Block] = [block(number, samples=MOST_WAITING) for number in range(3)]
    progress.bring(3, busy_s=0.0)
    paced.put(big[:1], progress=progress)
    progress.bring(2, busy_s=0.0)
    thread = Thread(target=paced.put, args=(big[1:2],), kwargs={"progress": progress}, daemon=True)
    thread.start()
    thread.join(0.05)
    assert thread.is_alive()
    assert sequences(paced.get()) == [0]
    thread.join(PATIENCE_S)
    assert not thread.is_alive()
    assert progress.take().messages == 0, "the first is only begun"
    assert sequences(paced.get()) == [1]
    assert (progress.take().messages, progress.take().messages) == (3, 0)
    assert not books.dropped


def test_who_waits_for_room_is_let_go_by_the_end() -> None:
    paced, books = queue(paced=True)
    paced.put([block(0, samples=MOST_WAITING)], progress=Progress())
    thread = Thread(target=paced.put, args=([block(1, samples=7)],), kwargs={"progress": Progress()}, daemon=True)
    thread.start()
    paced.close()
    thread.join(PATIENCE_S)
    assert not thread.is_alive()
    assert books.dropped == {"shutdown": 7}


def test_an_engine_that_is_slow_is_given_less_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    now_s = [0.0]
    monkeypatch.setattr("har_stream.block_queue.time.monotonic", lambda: now_s[0])
    paced, _ = queue(paced=True, limit=10**6)

    def taken() -> int:
        for number in range(40):
            paced.put([block(number, samples=1000)])
        return sum(held.samples for held in paced.get() or [])

    assert taken() == 40_000
    now_s[0] += 8.0  # 5,000 samples a second: a fifth of a second has 1,000
    assert taken() == 1000
    now_s[0] += 0.02  # 50,000 a second now: it is given more, by and by
    assert taken() in range(2000, 10_000)


# --- past the queue ---------------------------------------------------------------------------------------------------


def test_a_fleets_blocks_count_one_by_one() -> None:
    accounting = Accounting()
    paced = BlockQueue(limit=5, paced=True, accounting=accounting)
    fleet = FleetBlock(["a", "b", "c"], np.zeros(3, np.int64), np.zeros(3), 50.0, np.zeros((3, 4, 6), np.float32))
    paced.put([fleet])
    assert paced.blocks == 3
    assert paced.buffered == 12
    paced.put([fleet])
    assert paced.blocks == 3
    assert accounting.dropped == {"queue_full": 12}


def test_a_long_tick_is_taken_in_pieces_and_a_fleet_is_left_whole() -> None:
    progress = Progress()
    paced, _ = queue(paced=True, limit=10**6)
    many = 100
    fleet = FleetBlock(
        [f"d{n}" for n in range(many)],
        np.zeros(many, np.int64),
        np.zeros(many),
        50.0,
        np.zeros((many, 4, 6), np.float32),
    )
    paced.put([block(0), fleet, *(block(n) for n in range(1, 100))], progress=progress)
    assert [count(one.tick) for one in paced._ticks] == [1, 100, 64, 35]  # noqa: SLF001
    assert paced.blocks == 200


@pytest.mark.parametrize("blocks", [1, 4 * PIECE + 1])
def test_messages_are_done_with_the_last_of_their_blocks_however_many(blocks: int) -> None:
    progress = Progress()
    paced, _ = queue(paced=True, limit=10**6)
    progress.add(0, busy_s=0.0, ended_s=0.0)  # else nobody knows since when
    progress.take()
    progress.bring(20, busy_s=0.0)  # of which nothing came yet
    progress.bring(7, busy_s=0.0)
    paced.put([block(n) for n in range(blocks)], progress=progress)
    paced._at_once = PIECE  # noqa: SLF001 - an engine for which a piece is a lot
    for _ in range(-(-blocks // PIECE)):
        assert progress.take().messages == 0
        assert paced.get()
    assert paced.get(0.0) == []
    assert progress.take().messages == 27


def test_a_source_with_a_queue_of_its_own_waits_where_blocks_are_too_many() -> None:
    paced, books = queue(paced=True, limit=PIECE)
    source = Thread(
        target=paced.put, args=([block(n) for n in range(3 * PIECE)],), kwargs={"progress": Progress()}, daemon=True
    )
    source.start()
    taken: list[int] = []
    while len(taken) < 3 * PIECE:
        taken += sequences(paced.get(PATIENCE_S))
        assert paced.blocks <= 2 * PIECE
    source.join(PATIENCE_S)
    assert taken == list(range(3 * PIECE))
    assert not books.dropped


def test_messages_take_as_long_as_the_engine_has_their_tick(monkeypatch: pytest.MonkeyPatch) -> None:
    now_s = [0.0]
    monkeypatch.setattr("har_stream.block_queue.time.monotonic", lambda: now_s[0])
    progress = Progress()
    paced, _ = queue(paced=True)
    paced.put([block(0)], progress=progress)
    paced.get()
    paced.get(0.0)
    progress.take()
    now_s[0] = 7.0  # nothing came meanwhile
    progress.bring(3, busy_s=0.0)
    paced.put([block(1)], progress=progress)
    paced.get()
    now_s[0] = 10.0
    paced.get(0.0)
    assert progress.take() == (3, 3.0, 10.0)
