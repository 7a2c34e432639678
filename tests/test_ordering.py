"""Putting in order: late and repeated samples are refused, ticks spread, gaps and clocks set back begin anew."""

from __future__ import annotations

from collections import Counter

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from har_stream.ordering import Run, in_order, joined

NONE_BEFORE = float("nan")


def run(*times_s: float, values: list[float] | None = None) -> Run:
    """Samples at these times; each has a value of its own, if none are given."""
    first = np.arange(len(times_s)) if values is None else np.array(values)
    rows = np.repeat(first[:, np.newaxis], 6, axis=1).astype(np.float32)
    return Run(np.array(times_s), rows, np.zeros(len(times_s), np.uint8))


def ordered(samples: Run, last_s: float = NONE_BEFORE) -> tuple[list[tuple[bool, list[float]]], Counter[str]]:
    refused: Counter[str] = Counter()

    def refuse(reason: str, count: int) -> None:
        refused[reason] += count

    told = in_order(samples, last_s, limit_s=0.15, rewind_s=2.0, refuse=refuse)
    return [(anew, piece.times_s.round(6).tolist()) for anew, piece in told], refused


def test_samples_in_order_are_one_run() -> None:
    assert ordered(run(0.0, 0.1, 0.2)) == ([(True, [0.0, 0.1, 0.2])], Counter())
    assert ordered(run(0.1, 0.2), 0.0) == ([(False, [0.1, 0.2])], Counter())


def test_samples_out_of_order_are_sorted() -> None:
    assert ordered(run(0.1, 0.3, 0.2), 0.0) == ([(False, [0.1, 0.2, 0.3])], Counter())


def test_a_gap_begins_anew_after_it() -> None:
    assert ordered(run(0.1, 0.2, 5.0, 5.1), 0.0) == ([(False, [0.1, 0.2]), (True, [5.0, 5.1])], Counter())


def test_a_gap_before_the_first_sample_begins_anew() -> None:
    assert ordered(run(5.0, 5.1), 0.0) == ([(True, [5.0, 5.1])], Counter())


def test_what_is_older_than_the_last_sample_is_late_and_what_is_as_old_repeated() -> None:
    assert ordered(run(0.8, 0.9, 1.0, 1.1), 1.0) == ([(False, [1.1])], Counter(late=2, repeated=1))


def test_nothing_comes_of_late_samples_alone() -> None:
    assert ordered(run(0.8, 0.9), 1.0) == ([], Counter(late=2))


def test_a_sample_sent_twice_counts_once() -> None:
    assert ordered(run(0.1, 0.1, 0.2, values=[7, 7, 7]), 0.0) == ([(False, [0.1, 0.2])], Counter(repeated=1))


def test_samples_of_one_tick_are_spread_over_the_time_since_the_one_before() -> None:
    assert ordered(run(0.1, 0.1, 0.2, 0.2), 0.0) == ([(False, [0.05, 0.1, 0.15, 0.2])], Counter())


def test_the_first_tick_takes_as_long_as_the_next() -> None:
    assert ordered(run(0.1, 0.1, 0.2, 0.2)) == ([(True, [0.05, 0.1, 0.15, 0.2])], Counter())


def test_of_a_first_tick_alone_only_the_last_sample_can_be_placed() -> None:
    assert ordered(run(0.1, 0.1, 0.1)) == ([(True, [0.1])], Counter(repeated=2))


def test_a_clock_set_back_begins_anew() -> None:
    assert ordered(run(100.1, 0.0, 0.1), 100.0) == ([(False, [100.1]), (True, [0.0, 0.1])], Counter())


def test_a_clock_that_jumps_forth_and_back_begins_anew_twice() -> None:
    assert ordered(run(0.1, 1e9, 0.2, 0.3), 0.0) == (
        [(False, [0.1]), (True, [1e9]), (True, [0.2, 0.3])],
        Counter(),
    )


def test_a_clock_that_always_jumps_is_no_deep_recursion() -> None:
    told, refused = ordered(run(*[0.0, 1e6] * 3000))
    assert len(told) == 6000
    assert not refused


@given(
    times=st.lists(st.integers(-400, 400).map(lambda tick: tick / 100), min_size=1, max_size=60),
    last=st.one_of(st.just(NONE_BEFORE), st.integers(-400, 400).map(lambda tick: tick / 100)),
)
def test_every_sample_is_in_a_run_or_refused_and_runs_increase_without_gaps(times: list[float], last: float) -> None:
    pieces = [piece for _, piece in in_order(run(*times), last, limit_s=0.15, rewind_s=2.0, refuse=lambda *_: None)]
    told, refused = ordered(run(*times), last)
    assert sum(len(piece) for _, piece in told) + refused.total() == len(times)
    for piece in pieces:
        steps = np.diff(piece.times_s)
        assert (steps > 0).all()
        assert (steps <= 0.15).all()
    if pieces:
        assert len(np.unique(joined(pieces).values[:, 0])) == len(joined(pieces).values)
