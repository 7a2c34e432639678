"""Blocks in disorder go out in order; a lost one is given up; nothing waits where nothing is missing."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from har_stream.reordering import HORIZON_S, MOST_HELD, Ordered, Reordering, StreamEnds
from har_stream.samples import SampleBlock, TimedBlock

RATE_HZ = 50.0


def uniform(number: int, samples: int = 25, *, first_s: float = 0.0) -> SampleBlock:
    """The number-th of equally long blocks."""
    start = number * samples
    return SampleBlock("a", start, first_s + start / RATE_HZ, RATE_HZ, np.full((samples, 6), number, np.float32))


def timed(number: int, samples: int, *, jitter_s: float = 0.0, rate_hz: float | None = None) -> TimedBlock:
    moved = np.random.default_rng(number).uniform(-jitter_s, jitter_s, samples)
    times_s = (number * samples + np.arange(samples)) / RATE_HZ + moved
    return TimedBlock("a", times_s, np.full((samples, 6), number, np.float32), rate_hz)


def numbers(blocks: list[Ordered]) -> list[int]:
    return [int(block.values[0, 0]) for block in blocks]


def pushed(order: list[int], samples: int = 25) -> list[list[int]]:
    """What comes out at each block."""
    reordering = Reordering(StreamEnds(rows=1), 0)
    return [numbers(reordering.push(uniform(number, samples))) for number in order]


def test_in_order_nothing_waits() -> None:
    assert pushed([0, 1, 2, 3]) == [[0], [1], [2], [3]]


def test_two_blocks_that_changed_places_go_out_in_order() -> None:
    assert pushed([0, 2, 1, 3, 5, 4]) == [[0], [], [1, 2], [3], [], [4, 5]]


def test_a_lost_block_is_given_up_when_the_next_but_one_has_come() -> None:
    #           | 1 lost |  2 waits |  3 shows that 1 will not come
    assert pushed([0, 2, 3, 4]) == [[0], [], [2, 3], [4]]


def test_short_blocks_wait_no_longer_than_the_horizon() -> None:
    out = pushed([0, *range(2, 20)], samples=2)
    waited = out.index(next(some for some in out[1:] if some))
    assert (waited - 1) * 2 / RATE_HZ == pytest.approx(HORIZON_S)


def test_blocks_without_end_that_say_the_same_time_do_not_wait_without_end() -> None:
    reordering = Reordering(StreamEnds(rows=1), 0)
    reordering.push(uniform(0))
    early, out, most = uniform(2), 0, 0
    for pushed_blocks in range(1, 1000):
        out += len(reordering.push(early))
        most = max(most, pushed_blocks - out)
    assert most * early.samples <= MOST_HELD + early.samples
    assert out + len(reordering.flush()) == 999


def test_what_comes_twice_or_too_late_goes_on_for_the_intake_to_refuse() -> None:
    assert pushed([0, 1, 1, 0, 2]) == [[0], [1], [1], [0], [2]]
    assert pushed([0, 2, 3, 1]) == [[0], [], [2, 3], [1]]


def test_a_long_gap_is_no_disorder() -> None:
    assert pushed([0, 8, 9]) == [[0], [8], [9]]


def test_what_waits_goes_before_what_is_far_ahead() -> None:
    assert pushed([0, 2, 7, 8], samples=60) == [[0], [], [2, 7], [8]]


@pytest.mark.parametrize("jump_s", [-1e6, -3.0, 1e6])
def test_a_clock_that_jumps_holds_nothing_back(jump_s: float) -> None:
    reordering = Reordering(StreamEnds(rows=1), 0)
    reordering.push(uniform(0))
    assert numbers(reordering.push(uniform(1, first_s=jump_s))) == [1]
    assert numbers(reordering.push(uniform(3, first_s=jump_s))) == []
    assert numbers(reordering.push(uniform(2, first_s=jump_s))) == [2, 3]


@pytest.mark.parametrize("time_s", [np.nan, np.inf, -np.inf, 1e308])
def test_a_time_that_is_none_does_no_harm(time_s: float) -> None:
    reordering = Reordering(StreamEnds(rows=1), 0)
    assert numbers(reordering.push(uniform(0))) == [0]
    assert numbers(reordering.push(uniform(7, first_s=time_s))) == [7]
    assert numbers(reordering.push(uniform(1))) == [1]
    assert numbers(reordering.push(uniform(3))) == []


@pytest.mark.parametrize("time_s", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize(
    ("at", "order", "out"),
    [(0, (0, 1, 3, 2), [[0], [1], [], [2, 3]]), (-1, (1, 2, 4, 3), [[1], [2], [], [3, 4]])],
)
def test_one_time_that_is_none_does_no_harm(
    at: int, order: tuple[int, ...], out: list[list[int]], time_s: float
) -> None:
    blocks = [timed(number, 25) for number in order]
    for block in blocks:
        if block.values[0, 0] == 1:
            block.times_s[at] = time_s
    reordering = Reordering(StreamEnds(rows=1), 0)
    assert [numbers(reordering.push(block)) for block in blocks] == out


@pytest.mark.parametrize("samples", [1, 5])
@pytest.mark.parametrize("rate_hz", [None, RATE_HZ])
def test_jitter_is_no_disorder(samples: int, rate_hz: float | None) -> None:
    reordering = Reordering(StreamEnds(rows=1), 0)
    blocks = [timed(number, samples, jitter_s=0.004, rate_hz=rate_hz) for number in range(200)]
    assert [numbers(reordering.push(block)) for block in blocks] == [[number] for number in range(200)]


@pytest.mark.parametrize("samples", [1, 5])
def test_samples_with_times_of_their_own_are_put_in_order_too(samples: int) -> None:
    reordering = Reordering(StreamEnds(rows=1), 0)
    out = [numbers(reordering.push(timed(number, samples))) for number in (0, 1, 2, 4, 3, 5)]
    assert out == [[0], [1], [2], [], [3, 4], [5]]


@given(order=st.permutations(range(12)), samples=st.sampled_from([1, 3, 25]))
def test_whatever_the_order_nothing_is_lost_and_little_waits(order: list[int], samples: int) -> None:
    ends, out = StreamEnds(rows=3), 0
    reordering = Reordering(ends, 1)
    for taken, number in enumerate(order, 1):
        out += len(reordering.push(uniform(number, samples)))
        assert (taken - out) * samples / RATE_HZ <= HORIZON_S + 2 * samples / RATE_HZ
        assert ends.held.tolist() == [0, taken - out, 0]
    assert out + len(reordering.flush()) == len(order)
    assert reordering.flush() == []
    assert ends.held.tolist() == [0, 0, 0]
