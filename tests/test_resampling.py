"""Samples at any rate become the model's: exact ones untouched, nothing folded back, no time shifted, none lost."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from har_stream.accounting import Accounting
from har_stream.batch import NEW, Batch
from har_stream.rate_check import CHECKED_SAMPLES
from har_stream.resampling import Resampling
from har_stream.samples import Samples, TimedBlock

RATE_HZ = 50.0
EPOCH_S = 1.7e9


def stage(accounting: Accounting | None = None, rows: int = 3) -> Resampling:
    books = accounting or Accounting()
    return Resampling(rate_hz=RATE_HZ, max_gap_s=0.1, rewind_s=2.0, rows=rows, accounting=books)


def noise(seed: int, samples: int) -> Samples:
    return np.random.default_rng(seed).standard_normal((samples, 6)).astype(np.float32)


def tone(times_s: NDArray[np.float64], hz: float) -> Samples:
    return np.repeat(np.sin(2 * np.pi * hz * times_s)[:, np.newaxis], 6, axis=1).astype(np.float32)


def jittered(hz: float, samples: int, seed: int = 1, share: float = 0.1) -> NDArray[np.float64]:
    moved = np.random.default_rng(seed).uniform(-share, share, samples)
    return np.asarray((np.arange(samples) + moved) / hz)


def push(resampling: Resampling, *blocks: TimedBlock, row: int = 0) -> list[Batch]:
    return [batch for block in blocks for batch in resampling.push([(row, block)])]


def streams(batches: Iterable[Batch]) -> list[tuple[float, Samples]]:
    """What one device gave, a list entry for each time that it began: start and samples."""
    told: list[tuple[float, Samples]] = []
    for batch in batches:
        if batch.missing[0] == NEW:
            told.append((float(batch.start_s[0]), batch.values[0]))
        else:
            start_s, before = told[-1]
            assert batch.start_s[0] == pytest.approx(start_s + len(before) / RATE_HZ, abs=1e-6)
            told[-1] = (start_s, np.concatenate([before, batch.values[0]]))
    return told


def one_stream(batches: Iterable[Batch]) -> tuple[NDArray[np.float64], Samples]:
    """The times and samples of a device that began once."""
    ((start_s, values),) = streams(batches)
    return start_s + np.arange(len(values)) / RATE_HZ, values


@pytest.mark.parametrize("start_s", [0.0, -7.3, EPOCH_S, EPOCH_S + 0.123456])
@pytest.mark.parametrize("told_hz", [None, RATE_HZ])
def test_exactly_the_models_rate_passes_unchanged_bit_for_bit(start_s: float, told_hz: float | None) -> None:
    values = noise(1, 500)
    times_s = start_s + np.arange(500) / RATE_HZ
    blocks = [TimedBlock("a", times_s[a : a + 7], values[a : a + 7], told_hz) for a in range(0, 500, 7)]
    _, told = one_stream(push(stage(), *blocks))
    assert told.tobytes() == values.tobytes()


def test_a_sample_on_the_grid_is_given_at_once() -> None:
    resampling, values = stage(), noise(2, 100)
    push(resampling, TimedBlock("a", np.arange(50) / RATE_HZ, values[:50]))
    for at in range(50, 100):
        (batch,) = push(resampling, TimedBlock("a", np.array([at / RATE_HZ]), values[at : at + 1]))
        assert batch.values[0, 0].tobytes() == values[at].tobytes()
    assert resampling.buffered == 0


@given(
    hz=st.sampled_from([20.0, 44.1, 50.0, 52.0, 61.0, 100.0, 104.0, 333.0, 1000.0]),
    cuts=st.lists(st.integers(1, 299), max_size=12, unique=True).map(sorted),
    seed=st.integers(0, 3),
    told=st.booleans(),
)
def test_however_a_stream_is_cut_the_same_comes_out(hz: float, cuts: list[int], seed: int, *, told: bool) -> None:
    times_s, values = jittered(hz, 300, seed), noise(seed, 300)
    whole = one_stream(push(stage(), TimedBlock("a", times_s, values, hz if told else None)))
    edges = list(pairwise([0, *cuts, 300]))
    parts = [TimedBlock("a", times_s[a:b], values[a:b], hz if told else None) for a, b in edges]
    in_parts = one_stream(push(stage(), *parts))
    assert in_parts[1].tobytes() == whole[1].tobytes()
    np.testing.assert_allclose(in_parts[0], whole[0], rtol=0, atol=1e-6)


@given(
    rates=st.lists(st.sampled_from([26.0, 50.0, 52.0, 100.0, 200.0]), min_size=3, max_size=3),
    news=st.lists(st.integers(1, 100), min_size=3, max_size=3),
)
def test_devices_together_are_given_what_each_alone_is(rates: list[float], news: list[int]) -> None:
    together, alone = stage(), stage()
    for first, lasts in ((0, (200, 200, 200)), (200, [200 + new for new in news])):
        tick = [
            (row, TimedBlock("a", jittered(hz, last, row)[part], noise(row, last)[part], hz))
            for row, (hz, last) in enumerate(zip(rates, lasts, strict=True))
            for part in (slice(first, first + 1), slice(first + 1, last))
        ]
        told = [batch.only(batch.rows == row) for batch in together.push(tick) for row in batch.rows]
        for row in range(3):
            own = list(alone.push([one for one in tick if one[0] == row]))
            lane = [one for one in told if one.rows[0] == row]
            assert [one.values.tobytes() for one in lane] == [one.values.tobytes() for one in own]
            assert [one.start_s for one in lane] == [one.start_s for one in own]
            assert [stood_for(one) for one in lane] == [stood_for(one) for one in own]


def stood_for(batch: Batch) -> list[list[int]]:
    assert batch.stands_for is not None
    rows: list[list[int]] = batch.stands_for.tolist()
    return rows


def test_a_sample_on_the_grid_keeps_every_bit_beside_others_that_lie_off_it() -> None:
    times_s, values = np.arange(100) / RATE_HZ, noise(4, 100)
    times_s[1::2] += 0.003
    values[::2, 1] = -0.0
    _, told = one_stream(push(stage(), TimedBlock("a", times_s, values)))
    assert told[::2].tobytes() == values[::2].tobytes()
    assert told[1:-1:2].tobytes() != values[1:-1:2].tobytes()


@pytest.mark.parametrize("hz", [26.0, 44.1, 52.0, 100.0, 104.0, 200.0, 1000.0])
def test_what_people_do_keeps_its_strength_and_its_time(hz: float) -> None:
    sampled_s = jittered(hz, int(10 * hz))
    times_s, told = one_stream(push(stage(), TimedBlock("a", sampled_s, tone(sampled_s, 2.0))))
    assert np.abs(told - tone(times_s, 2.0))[10:].max() < 0.04  # of 1; a shift by a sample would be 0.25


@pytest.mark.parametrize(
    ("hz", "vibration_hz"),
    [
        (hz, vibration_hz)
        for hz in (70.0, 100.0, 104.0, 200.0, 1000.0, 1600.0)
        for vibration_hz in (31.0, 33.0, 45.0, 52.0, 98.0, 310.0)
        if vibration_hz < hz / 2 - 2
    ],
)
def test_a_vibration_too_fast_for_the_model_does_not_come_back_as_a_slow_one(hz: float, vibration_hz: float) -> None:
    sampled_s = np.arange(int(20 * hz)) / hz
    _, told = one_stream(push(stage(), TimedBlock("a", sampled_s, tone(sampled_s, vibration_hz), hz)))
    # What folds to 20 Hz and more is for the noise filter, which comes after the resampling.
    spectrum = np.abs(np.fft.rfft(told[100:, 0] * np.hanning(len(told) - 100))) / (len(told) / 4)
    slow = np.fft.rfftfreq(len(told) - 100, 1 / RATE_HZ) < 19.5
    assert spectrum[slow].max() < 0.13


def test_a_short_gap_is_bridged_by_a_straight_line_and_counted() -> None:
    books = Accounting()
    times_s = np.delete(np.arange(60) / RATE_HZ, [30, 31, 32])
    values = np.repeat(times_s[:, np.newaxis], 6, axis=1).astype(np.float32)
    told_s, told = one_stream(push(stage(books), TimedBlock("a", times_s, values)))
    np.testing.assert_allclose(told[:, 0], told_s, atol=1e-6)
    assert len(told) == 60
    assert books.bridged == 3


def test_after_a_long_gap_the_stream_begins_anew() -> None:
    books = Accounting()
    times_s = np.concatenate([np.arange(50) / RATE_HZ, 7.003 + np.arange(50) / RATE_HZ])
    (first_s, first), (second_s, second) = streams(push(stage(books), TimedBlock("a", times_s, noise(1, 100))))
    assert (first_s, second_s) == (0.0, 7.003)
    assert first.tobytes() + second.tobytes() == noise(1, 100).tobytes()
    assert books.bridged == 0


@pytest.mark.parametrize("jump_s", [3600.0, 10 * 365 * 86400.0, -3600.0, -10 * 365 * 86400.0])
def test_a_clock_that_jumps_does_not_stall_the_stream(jump_s: float) -> None:
    times_s = EPOCH_S + np.arange(200) / RATE_HZ
    times_s[100:] += jump_s
    blocks = [TimedBlock("a", times_s[a : a + 10], noise(a, 10)) for a in range(0, 200, 10)]
    assert [len(values) for _, values in streams(push(stage(), *blocks))] == [100, 100]


@given(
    hz=st.sampled_from([20.0, 50.0, 52.0, 104.0, 1000.0]),
    moves=st.lists(st.tuples(st.integers(0, 399), st.floats(-3, 3)), max_size=8),
    cut=st.integers(1, 399),
)
def test_the_books_balance_whatever_the_times(hz: float, moves: list[tuple[int, float]], cut: int) -> None:
    books = Accounting()
    times_s, values = jittered(hz, 400), noise(1, 400)
    for at, by_s in moves:
        times_s[at:] += by_s
    resampling = stage(books)
    batches = push(resampling, *(TimedBlock("a", times_s[p], values[p]) for p in (slice(cut), slice(cut, None))))
    stood_for = sum(int(batch.stands_for.sum()) for batch in batches if batch.stands_for is not None)
    assert stood_for + books.refused.total() + books.dropped.total() + resampling.buffered == 400
    assert all(np.isfinite(batch.values).all() for batch in batches)


def test_a_device_whose_rate_rises_begins_anew_on_a_finer_grid() -> None:
    books = Accounting()
    resampling = stage(books)
    times_s = np.concatenate([np.arange(100) / 50, 2 + np.arange(800) / 200])
    blocks = [TimedBlock("a", times_s[a : a + 20], tone(times_s[a : a + 20], 33.0)) for a in range(0, 900, 20)]
    *_, (start_s, last) = streams(push(resampling, *blocks))
    assert 2.0 < start_s < 3.0
    assert np.abs(last[50:]).max() < 0.2


@given(cuts=st.lists(st.integers(1, 899), max_size=12, unique=True).map(sorted), told_hz=st.sampled_from([None, 50.0]))
def test_a_rate_that_rises_is_noticed_at_the_same_sample_however_the_stream_is_cut(
    cuts: list[int], told_hz: float | None
) -> None:
    times_s = np.concatenate([np.arange(100) / 50, 2 + np.arange(300) / 200, 3.5 + np.arange(500) / 900])
    values = noise(3, 900)
    whole_books, books = Accounting(), Accounting()
    whole = streams(push(stage(whole_books), TimedBlock("a", times_s, values, told_hz)))
    edges = pairwise([0, *cuts, 900])
    parts = streams(push(stage(books), *(TimedBlock("a", times_s[a:b], values[a:b], told_hz) for a, b in edges)))
    assert [start_s for start_s, _ in parts] == pytest.approx([start_s for start_s, _ in whole], abs=1e-6)
    assert [told.tobytes() for _, told in parts] == [told.tobytes() for _, told in whole]
    assert books.dropped == whole_books.dropped
    assert len(whole) > 2  # it rises twice, and the second time within what is looked at together


def test_a_device_that_says_a_rate_far_too_low_is_found_out() -> None:
    times_s = np.arange(2000) / 200
    blocks = [TimedBlock("a", times_s[a : a + 20], tone(times_s[a : a + 20], 33.0), 50.0) for a in range(0, 2000, 20)]
    (first_s, _), (then_s, told) = streams(push(stage(), *blocks))
    assert np.abs(told[50:]).max() < 0.2
    assert first_s == 0.0
    assert then_s == pytest.approx(times_s[CHECKED_SAMPLES])


@pytest.mark.parametrize(("hz", "begun"), [(72.0, 1), (80.0, 2)])
def test_a_device_somewhat_faster_than_it_says_does_not_begin_anew_over_and_over(hz: float, begun: int) -> None:
    blocks = [TimedBlock("a", (at + np.arange(20)) / hz, noise(at, 20), RATE_HZ) for at in range(0, 1000, 20)]
    assert len(streams(push(stage(), *blocks))) == begun


def test_a_rate_that_was_found_out_is_known_after_a_gap() -> None:
    times_s = np.arange(1000) / 200
    times_s[500:] += 1.0
    blocks = [TimedBlock("a", times_s[a : a + 20], noise(a, 20), RATE_HZ) for a in range(0, 1000, 20)]
    begun_s = [start_s for start_s, _ in streams(push(stage(), *blocks))]
    assert len(begun_s) == 3
    assert begun_s[-1] == pytest.approx(times_s[500], abs=0.1)


def test_a_gap_among_the_first_samples_makes_no_device_seem_slow() -> None:
    times_s = np.delete(np.arange(300), slice(3, 10)) / 100
    assert len(streams(push(stage(), TimedBlock("a", times_s, noise(1, len(times_s)))))) == 1


def test_a_forgotten_device_tells_how_many_samples_are_lost() -> None:
    resampling = stage()
    push(resampling, TimedBlock("a", np.arange(5) / RATE_HZ, noise(1, 5)))
    assert resampling.buffered == 5
    assert resampling.forget(0) == 5
    assert resampling.buffered == 0


def test_who_comes_into_a_row_is_not_measured_by_who_had_it() -> None:
    resampling = stage()
    times_s = np.arange(300) / 200
    push(resampling, TimedBlock("a", times_s, noise(1, 300), RATE_HZ))
    resampling.forget(0)
    values = noise(2, 100)
    assert np.array_equal(one_stream(push(resampling, TimedBlock("b", np.arange(100) / RATE_HZ, values)))[1], values)
