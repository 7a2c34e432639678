"""How many messages are done: each is told once, by whichever tick and step it falls into."""

from __future__ import annotations

from har_stream.progress import Progress


def test_a_tick_is_made_of_what_was_brought_since_the_one_before() -> None:
    progress = Progress()
    progress.bring(3)
    progress.bring(4)
    assert (progress.brought(), progress.brought()) == (7, 0)
    progress.bring(2)
    assert progress.brought() == 2


def test_what_is_done_is_told_once() -> None:
    progress = Progress()
    progress.add(3)
    progress.add(4)
    assert (progress.take(), progress.take()) == (7, 0)
