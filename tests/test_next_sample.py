"""One more sample of one device: what comes of it is to the bit what comes of it in the way of all."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from har_stream.accounting import Accounting
from har_stream.batch import Batch
from har_stream.rate_check import CHECKED_SAMPLES
from har_stream.resampling import Resampling
from har_stream.samples import TimedBlock
from tests.test_resampling import RATE_HZ, noise, stage

Told = tuple[int, float, bytes, bytes, int, list[list[int]], int, int]


def told(batches: Iterator[Batch] | list[Batch], resampling: Resampling, books: Accounting) -> list[Told]:
    """All that later stages see of batches of one device, and the books after each."""
    found = []
    for batch in batches:
        assert batch.stands_for is not None
        assert batch.rate_hz.tolist() == [RATE_HZ]
        row, start_s, missing = batch.rows.item(), batch.start_s.item(), batch.missing.item()
        bits = (
            batch.values.astype(np.float32, casting="no").tobytes(),
            batch.truth.astype(np.uint8, casting="no").tobytes(),
        )
        found.append((row, start_s, *bits, missing, batch.stands_for.tolist(), resampling.buffered, books.bridged))
    return found


def both_ways(
    times_s: NDArray[np.float64], told_hz: float | None = RATE_HZ, truth: NDArray[np.uint8] | None = None
) -> tuple[list[bool], list[list[Told]], list[list[Told]]]:
    """Send samples one by one; tell which went the short way, and what each led to in either."""
    books, all_books = Accounting(), Accounting()
    one, every = stage(books), stage(all_books)
    values, short, found, expected = noise(1, len(times_s)), [], [], []
    for at in range(len(times_s)):
        some = slice(at, at + 1)
        block = TimedBlock("a", times_s[some], values[some], told_hz, None if truth is None else truth[some])
        batches = one.next_of(1, block)
        short.append(batches is not None)
        found.append(told(one.push([(1, block)]) if batches is None else batches, one, books))
        expected.append(told(every.push([(1, block)]), every, all_books))
        assert one.buffered == every.buffered
    return short, found, expected


@given(
    steps=st.lists(
        st.floats(0.0, 0.045) | st.sampled_from([0.02, 0.02, 0.0199, 0.02001, 0.02004, 0.1, 0.3, -0.5, -3.0]),
        max_size=150,
    ),
    told_hz=st.sampled_from([None, 26.0, 50.0, 52.0, 100.0]),
    start_s=st.sampled_from([0.0, -7.3, 1.7e9]),
    labelled=st.booleans(),
)
def test_it_is_what_the_way_of_all_gives_whatever_the_times(
    steps: list[float], told_hz: float | None, start_s: float, *, labelled: bool
) -> None:
    times_s = start_s + np.cumsum([0.0, *steps])
    truth = np.arange(len(times_s)).astype(np.uint8) % 12 if labelled else None
    _, found, expected = both_ways(times_s, told_hz, truth)
    assert found == expected


@pytest.mark.parametrize(("hz", "share"), [(48.0, 0.9), (RATE_HZ, 0.99), (55.0, 0.98)])
def test_nearly_all_samples_of_a_steady_device_go_the_short_way(hz: float, share: float) -> None:
    jitter_s = np.random.default_rng(1).uniform(-1e-3, 1e-3, 400) if hz != RATE_HZ else 0.0
    short, found, expected = both_ways(np.arange(400) / hz + jitter_s, hz)
    assert found == expected
    assert sum(short) > share * len(short)


@pytest.mark.parametrize("early", [0.5, 1.5, 2.5])
def test_a_sample_just_before_a_point_of_the_grid(early: float) -> None:
    """In thousandths of an interval: on it, and given at once; on it once the next one has come; before it."""
    steps = np.array([1 - early / 1000, 1.0, 1.0]) / RATE_HZ
    short, found, expected = both_ways(np.cumsum([0.0, *steps]))
    assert found == expected
    assert any(short)


def test_a_rate_that_rises_is_noticed_at_the_same_sample() -> None:
    steps = np.repeat([1 / 50, 1 / 120], [CHECKED_SAMPLES * 2, CHECKED_SAMPLES * 4])
    short, found, expected = both_ways(np.cumsum(steps))
    assert found == expected
    assert any(short)
    assert not short[-1], "a finer grid is not for the short way"


def test_of_a_stream_that_has_not_begun_nothing_is_taken() -> None:
    resampling = stage()
    times_s, values = np.arange(2) / RATE_HZ, noise(1, 2)
    first, second = (TimedBlock("a", times_s[at : at + 1], values[at : at + 1], RATE_HZ) for at in range(2))
    assert resampling.next_of(0, first) is None
    assert resampling.buffered == 0
    list(resampling.push([(0, first)]))
    assert resampling.next_of(1, second) is None, "of another device"
    assert resampling.next_of(0, second) is not None
