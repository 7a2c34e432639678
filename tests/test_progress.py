"""How many messages are done: each is told once, by whichever tick and step it falls into."""

from __future__ import annotations

from har_stream.progress import Progress


def test_a_tick_is_made_of_what_was_brought_since_the_one_before() -> None:
    progress = Progress()
    progress.bring(3, busy_s=0.0)
    progress.bring(4, busy_s=0.0)
    assert (progress.brought(), progress.brought()) == (7, 0)
    progress.bring(2, busy_s=0.0)
    assert progress.brought() == 2


def test_what_is_done_is_told_once_with_its_time() -> None:
    progress = Progress()
    assert progress.take() == (0, 0.0, 0.0)
    progress.add(3, busy_s=0.5, ended_s=10.0)
    assert progress.take() == (0, 0.0, 0.0), "nobody knows since when"
    assert progress.take() == (0, 0.0, 0.0)
    progress.add(4, busy_s=0.25, ended_s=11.0)
    progress.add(5, busy_s=0.5, ended_s=12.0)
    assert progress.take() == (9, 0.75, 2.0)


def test_the_thread_that_has_more_to_do_is_the_one_that_counts() -> None:
    progress = Progress()
    progress.add(1, busy_s=1.0, ended_s=0.0)
    progress.take()
    for source_s, engine_s in ((0.25, 0.5), (0.5, 0.25), (0.0, 0.125)):
        progress.bring(1, busy_s=source_s)
        progress.bring(1, busy_s=source_s)
        progress.add(2, busy_s=engine_s, ended_s=1.0)
        assert progress.take().busy_s == max(2 * source_s, engine_s)
