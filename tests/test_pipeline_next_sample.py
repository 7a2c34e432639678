"""A lone device's next sample takes a shorter way through the pipeline: nobody can tell by what comes out of it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from har_stream.accounting import Accounting
from har_stream.batch import Batch
from har_stream.intake import LATEST_S
from har_stream.next_sample import NextSample
from har_stream.samples import Block, Prediction, Refused, SampleBlock, TimedBlock, WindowBlock
from tests.motion import RATE_HZ, motion, pipeline

VALUES = motion(1, 900)
NOTHING = Refused("nobody", "crc", 0)
EVENTS = ("next", "next", "next", "late", "nan", "strong", "gap", "uniform", "window", "labelled", "two", "refused")


def timed(device: str, at: int, samples: int = 1, shift_s: float = 0.0, **others: Any) -> TimedBlock:
    times_s = np.arange(at, at + samples) / RATE_HZ + shift_s
    return TimedBlock(device, times_s, VALUES[at : at + samples].copy(), RATE_HZ, **others)


def block(device: str, at: int, event: str) -> Block:
    """What a device sends from its at-th sample on."""
    if event == "uniform":
        return SampleBlock(device, at, at / RATE_HZ, RATE_HZ, VALUES[at : at + 1])
    if event == "window":
        return WindowBlock(device, np.array([at / RATE_HZ]), np.array([False]), np.zeros((1, 128, 9), np.float32), 64)
    if event == "refused":
        return Refused(device, "crc")
    if event == "labelled":
        return timed(device, at, truth=np.array([5], np.uint8))
    one = timed(device, at, 2 if event == "two" else 1, {"late": -0.1, "gap": 5.0}.get(event, 0.0))
    if event in ("nan", "strong"):
        one.values[0, 3] = np.nan if event == "nan" else 1e6
    return one


class BothWays:
    """The same ticks for two pipelines, of which one takes the short way where it can; the other is given more."""

    def __init__(self, **settings: float) -> None:
        self.books, self.all_books = Accounting(), Accounting()
        self.short, self.long = pipeline(self.books, **settings), pipeline(self.all_books, **settings)

    def push(self, *tick: Block, now_s: float = 0.0) -> list[Prediction]:
        """Give both a tick, and see that neither what they say nor their books differ."""
        for books in (self.books, self.all_books):
            books.enter(sum(one.samples for one in tick))
            books.refuse(NOTHING.reason, 0)
        told = self.short.push(tick, now_s)
        assert told == self.long.push([*tick, NOTHING], now_s)
        assert self.books.snapshot() == self.all_books.snapshot()
        assert self.short.buffered == self.long.buffered
        assert self.books.balance(self.short.buffered) == 0
        assert self.short.news() == self.long.news()
        return told


@pytest.fixture
def shorter(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """Of each time that the short way was tried whether it was one."""
    really, tried = NextSample.push, []

    def push(self: NextSample, row: int, block: TimedBlock) -> list[Batch] | None:
        batches = really(self, row, block)
        tried.append(batches is not None)
        return batches

    monkeypatch.setattr(NextSample, "push", push)
    return tried


@given(
    events=st.lists(st.tuples(st.sampled_from("aaab"), st.sampled_from(EVENTS), st.integers(1, 40)), max_size=12),
    begun=st.integers(1, 130),
)
def test_whatever_comes_both_ways_say_the_same(events: list[tuple[str, str, int]], begun: int) -> None:
    both = BothWays()
    at = begun
    both.push(timed("a", 0, at))
    for device, event, times in events:
        for _ in range(times if event == "next" else 1):
            both.push(block(device, at, event))
            at += 2 if event == "two" else 1
    for _ in range(3):
        both.push(timed("a", at))
        at += 1


def test_a_devices_samples_one_by_one_take_the_short_way_to_the_same_labels(shorter: list[bool]) -> None:
    both = BothWays()
    told = [one for at in range(420) for one in both.push(timed("a", at))]
    assert [round(one.start_s * RATE_HZ) for one in told] == [0, 64, 128, 192, 256]
    assert shorter == [True] * 419
    assert [one.has_truth for one in told] == [False] * 5


def test_labels_that_a_device_carries_are_told_on_the_short_way_too() -> None:
    both = BothWays()
    both.push(timed("a", 0))
    told = [one for at in range(1, 200) for one in both.push(timed("a", at, truth=np.array([5], np.uint8)))]
    assert [one.has_truth for one in told] == [True, True]
    told = [one for at in range(200, 260) for one in both.push(timed("a", at))]
    assert [one.has_truth for one in told] == [False]


def test_who_sends_one_by_one_is_alive_and_keeps_its_place() -> None:
    both = BothWays(max_devices=2, idle_s=60.0)
    both.push(timed("a", 0), now_s=0.0)
    both.push(timed("b", 0), now_s=1.0)
    both.push(timed("a", 1), now_s=100.0)
    both.push(timed("c", 0), now_s=101.0)
    assert (both.short.knows("a"), both.short.knows("b")) == (True, False)


@pytest.mark.parametrize("first_s", [LATEST_S - 0.03, -LATEST_S - 0.03])
def test_a_time_that_is_none_is_refused_on_the_short_way_too(first_s: float) -> None:
    both = BothWays()
    for at in range(6):
        both.push(timed("a", at, shift_s=first_s))
    assert both.books.refused["time"]


def test_ready_made_windows_between_samples_do_not_hide_that_these_come() -> None:
    both = BothWays()
    both.push(timed("a", 0, 100))
    both.push(block("a", 100, "window"))
    told = [one for at in range(100, 130) for one in both.push(timed("a", at))]
    assert len(told) == 1
