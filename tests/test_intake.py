"""The intake: every unlawful sample refused by its reason, every lawful one let through in order."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from har_stream.accounting import Accounting
from har_stream.batch import NEW
from har_stream.intake import LATEST_S, Intake
from har_stream.samples import SampleBlock, TimedBlock
from har_stream.settings import IntakeSettings

RATE_HZ = 50.0
LIMITS = 32.0, 80.1
EDGES = [*LIMITS, *(float(np.nextafter(np.float32(limit), np.float32(np.inf))) for limit in LIMITS)]
Out = tuple[int, float, list[float], int]
"""Row, time of the first sample, the samples' numbers, how many are missing before."""


def intake(**settings: float) -> tuple[Intake, Accounting]:
    books = Accounting()
    return Intake(IntakeSettings(**settings), books, rate_hz=RATE_HZ), books  # type: ignore[arg-type]


def block(start: float, samples: int, bad: dict[int, float] | None = None, axis: int = 0) -> SampleBlock:
    """Samples whose gyro z is their own number / 1000; `bad` replaces single values on one axis."""
    values = np.zeros((samples, 6), np.float32)
    values[:, 5] = (np.arange(samples) + round(start)) / 1000
    for at, value in (bad or {}).items():
        values[at, axis] = value
    return SampleBlock("a", round(start), start / RATE_HZ, RATE_HZ, values)


def admit(stage: Intake, *blocks: tuple[int, SampleBlock]) -> list[Out]:
    return [
        (
            int(row),
            round(float(batch.start_s[lane]) * RATE_HZ, 3),
            np.round(batch.values[lane, :, 5] * 1000).tolist(),
            int(batch.missing[lane]),
        )
        for batch in stage.admit(blocks)
        for lane, row in enumerate(batch.rows)
    ]


def run(start: int, stop: int, missing: int, row: int = 0) -> Out:
    return row, float(start), [float(number) for number in range(start, stop)], missing


def test_blocks_in_order_pass_unchanged() -> None:
    stage, books = intake()
    given_block = block(0, 5)
    (batch,) = stage.admit([(0, given_block)])
    assert batch.values[0].tobytes() == given_block.values.tobytes()
    assert admit(stage, (0, block(5, 3)), (0, block(8, 2))) == [run(5, 10, 0)]
    assert not books.refused


@pytest.mark.parametrize("rate_hz", [0.0, 25.0, 49.9, 50.1, float("nan"), float("inf"), -50.0])
def test_another_rate_is_refused(rate_hz: float) -> None:
    stage, books = intake()
    assert not stage.lawful(replace(block(0, 7), rate_hz=rate_hz))
    assert books.refused == {"rate": 7}


@pytest.mark.parametrize("start_s", [float("nan"), float("inf"), float("-inf")])
def test_a_time_that_is_none_is_refused(start_s: float) -> None:
    stage, books = intake()
    assert not stage.lawful(replace(block(0, 7), start_s=start_s))
    assert books.refused == {"time": 7}


@pytest.mark.parametrize("rate_hz", [49.96, 50.0, 50.04])
def test_a_rate_right_within_a_thousandth_is_lawful(rate_hz: float) -> None:
    stage, books = intake()
    assert stage.lawful(replace(block(0, 7), rate_hz=rate_hz))
    assert not books.refused


@pytest.mark.parametrize(
    ("value", "axis", "reason"),
    [
        (float("nan"), 0, "not_finite"),
        (float("inf"), 4, "not_finite"),
        (float("-inf"), 2, "not_finite"),
        (32.1, 0, "out_of_range"),
        (-32.1, 2, "out_of_range"),
        (1e6, 1, "out_of_range"),
        (3e38, 1, "out_of_range"),
        (80.5, 3, "out_of_range"),
        (-3e38, 4, "out_of_range"),
    ],
)
def test_one_bad_value_parts_a_block_in_runs(value: float, axis: int, reason: str) -> None:
    stage, books = intake()
    assert admit(stage, (0, block(0, 5, {2: value}, axis))) == [run(0, 2, NEW), run(3, 5, 1)]
    assert books.refused == {reason: 1}
    assert admit(stage, (0, block(5, 2))) == [run(5, 7, 0)]


@pytest.mark.parametrize(("value", "axis"), [(32.0, 0), (-32.0, 2), (80.0, 3), (-80.0, 4)])
def test_the_limits_themselves_are_in_range(value: float, axis: int) -> None:
    stage, books = intake()
    assert len(admit(stage, (0, block(0, 5, {2: value}, axis)))) == 1
    assert not books.refused


def test_a_block_bad_from_end_to_end_gives_nothing_and_is_missing_afterwards() -> None:
    stage, books = intake()
    assert admit(stage, (0, block(0, 4)), (0, block(4, 3, dict.fromkeys(range(3), 1e6)))) == [run(0, 4, NEW)]
    assert admit(stage, (0, block(7, 1))) == [run(7, 8, 3)]
    assert books.refused == {"out_of_range": 3}


@pytest.mark.parametrize(
    ("start", "samples", "out", "late"),
    [
        (0, 50, [], 50),  # repeated
        (20, 10, [], 10),  # late
        (40, 20, [run(50, 60, 0)], 10),  # overlaps
        (50, 5, [run(50, 55, 0)], 0),  # follows
        (50.4, 5, [(0, 50.4, [50.0, 51.0, 52.0, 53.0, 54.0], 0)], 0),  # follows with jitter
        (53, 5, [run(53, 58, 3)], 0),  # gap
        (50_000, 5, [run(50_000, 50_005, 49_950)], 0),
        (-50, 5, [], 5),  # late by 2 s
        (-51, 5, [run(-51, -46, NEW)], 0),  # the clock was set back
        (-10_000, 5, [run(-10_000, -9_995, NEW)], 0),
    ],
)
def test_where_a_block_starts_after_fifty_samples(start: float, samples: int, out: list[Out], late: int) -> None:
    stage, books = intake(rewind_s=2.0)
    admit(stage, (0, block(0, 50)))
    assert admit(stage, (0, block(start, samples))) == out
    assert books.refused.total() == late
    assert books.refused["late"] == late


def test_a_bad_sample_among_the_late_ones_is_refused_once() -> None:
    stage, books = intake()
    admit(stage, (0, block(0, 10)))
    overlapping = block(5, 10, {2: float("nan"), 7: float("nan")})
    assert admit(stage, (0, overlapping)) == [run(10, 12, 0), run(13, 15, 1)]
    assert books.refused == {"late": 5, "not_finite": 1}


def test_a_clock_set_back_begins_anew_even_where_the_first_samples_are_bad() -> None:
    stage, _ = intake(rewind_s=2.0)
    admit(stage, (0, block(500, 50)))
    assert admit(stage, (0, block(445, 20, dict.fromkeys(range(10), 1e6)))) == [run(455, 465, NEW)]
    assert admit(stage, (0, block(465, 5))) == [run(465, 470, 0)]


def test_an_overlap_by_half_a_sample_leaves_neither_gap_nor_repetition() -> None:
    stage, _ = intake()
    list(stage.admit([(0, replace(block(0, 50), start_s=40658.0))]))
    (batch,) = stage.admit([(0, replace(block(0, 100), start_s=40658.39))])
    assert batch.missing.tolist() == [0]


def test_forgetting_a_row_lets_its_next_block_begin_anew() -> None:
    stage, _ = intake()
    admit(stage, (0, block(0, 50)), (1, block(0, 50)))
    stage.forget(0)
    assert admit(stage, (0, block(10, 5)), (1, block(50, 5))) == [run(10, 15, NEW), run(50, 55, 0, row=1)]


def test_other_devices_are_not_touched_by_a_bad_one() -> None:
    stage, books = intake()
    out = admit(stage, (0, block(0, 5)), (1, block(0, 5, {1: float("nan")})), (2, block(0, 5)))
    assert sorted(out) == [run(0, 5, NEW), run(0, 1, NEW, row=1), run(2, 5, 1, row=1), run(0, 5, NEW, row=2)]
    assert books.refused == {"not_finite": 1}


VALUES = st.sampled_from([0.0, 1.0, 31.9, 32.1, 1e6, 3e38, float("nan"), float("inf")])
BLOCKS = st.lists(
    st.tuples(
        st.integers(0, 2), st.integers(-300, 300), st.integers(1, 30), st.dictionaries(st.integers(0, 29), VALUES)
    ),
    max_size=12,
)


@given(BLOCKS)
def test_samples_out_and_refused_are_the_samples_in(arrivals: list[tuple[int, int, int, dict[int, float]]]) -> None:
    stage, books = intake(max_devices=3)
    blocks = [(row, block(at, n, {i: v for i, v in bad.items() if i < n})) for row, at, n, bad in arrivals]
    out = list(stage.admit(blocks))
    assert sum(batch.values[..., 0].size for batch in out) + books.refused.total() == sum(a[2] for a in arrivals)
    assert all(np.isfinite(batch.values).all() and (np.abs(batch.values) <= 32).all() for batch in out)
    assert all((batch.missing >= NEW).all() for batch in out)
    for row in range(3):
        newest = -np.inf
        for batch in out:
            for lane in np.flatnonzero(batch.rows == row):
                assert batch.missing[lane] == NEW or batch.start_s[lane] > newest
                newest = batch.start_s[lane] + (batch.values.shape[1] - 1) / RATE_HZ


@given(
    st.lists(st.sampled_from([0.0, *EDGES, *(-edge for edge in EDGES), np.nan]), min_size=6, max_size=6),
    st.sampled_from([0.0, LATEST_S, -LATEST_S, 2 * LATEST_S, np.nan]),
)
def test_a_sample_alone_is_sound_where_it_passes_among_others(values: list[float], time_s: float) -> None:
    stage, _ = intake(acc_limit_g=LIMITS[0], gyro_limit_rads=LIMITS[1])
    one = TimedBlock("a", np.array([time_s]), np.array([values], np.float32), RATE_HZ)
    ((_, passed),) = stage.sifted([(0, one)])
    assert stage.is_sound(one) == bool(passed.samples)
