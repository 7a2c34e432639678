"""Ctrl-C: the first is remembered or leaves a block, the second always ends."""

from __future__ import annotations

import signal

import pytest

from training.interruption import Interruption


def press() -> None:
    signal.raise_signal(signal.SIGINT)


def test_the_first_is_remembered_and_the_second_raises() -> None:
    before = signal.getsignal(signal.SIGINT)
    with Interruption() as interruption:
        interruption.check()
        press()
        assert interruption.asked
        with pytest.raises(KeyboardInterrupt):
            interruption.check()
        with pytest.raises(KeyboardInterrupt):
            press()
    assert signal.getsignal(signal.SIGINT) is before


def test_the_first_leaves_a_block_that_may_be_cut_short() -> None:
    done = []
    with Interruption() as interruption:
        with interruption.cutting_short():
            done.append("begun")
            press()
            done.append("ended")
        assert interruption.asked
    assert done == ["begun"]


def test_a_block_is_left_at_once_where_it_was_asked_before() -> None:
    done = []
    with Interruption() as interruption:
        press()
        with interruption.cutting_short():
            interruption.check()
            done.append("begun")
    assert done == []


def test_the_second_goes_through_a_block_that_may_be_cut_short() -> None:
    def press_twice() -> None:
        press()
        with interruption.cutting_short():
            press()

    with Interruption() as interruption, pytest.raises(KeyboardInterrupt):
        press_twice()
