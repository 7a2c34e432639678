"""Sensors with times of their own become samples, and every row of acceleration is in the books."""

from __future__ import annotations

from collections import Counter
from typing import get_args

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import ArrayLike, NDArray

from har_stream.alignment import MOST_ROWS, Alignment, Rows
from har_stream.formats.format import Sensor
from har_stream.samples import Block, Refused, TimedBlock


def rows(sensor: Sensor, times_s: ArrayLike, slope: float = 1.0) -> Rows:
    """Rows whose three values are slope times their time."""
    times: NDArray[np.float64] = np.asarray(times_s, np.float64)
    return sensor, times, np.repeat(slope * times[:, np.newaxis], 3, axis=1)


def samples(blocks: list[Block]) -> tuple[list[float], list[list[float]]]:
    held = [block for block in blocks if isinstance(block, TimedBlock)]
    times_s = [float(time) for block in held for time in block.times_s]
    return times_s, [row for block in held for row in block.values.tolist()]


def refusals(blocks: list[Block]) -> dict[str, int]:
    counts: Counter[str] = Counter()
    for block in blocks:
        if isinstance(block, Refused):
            counts[block.reason] += block.samples
    return dict(counts)


GRID = np.arange(0, 2, 0.02).round(2)


def test_the_gyroscope_is_interpolated_at_the_times_of_acceleration() -> None:
    # acc   0.00   0.02   0.04 ...
    # gyro     0.01   0.03   0.05 ...  holds 2 * its time
    alignment = Alignment("a")
    blocks = alignment.push([rows("total_acc", GRID), rows("gyro", GRID + 0.01, 2.0)]) + alignment.flush()
    times_s, values = samples(blocks)
    assert times_s == GRID[1:].tolist()
    assert np.allclose(values, [[t, t, t, 2 * t, 2 * t, 2 * t] for t in GRID[1:]], atol=1e-6)
    assert refusals(blocks) == {"unaligned": 1}  # the first comes before any angular rate


def test_samples_wait_no_longer_than_the_horizon() -> None:
    times_s, _ = samples(Alignment("a").push([rows("total_acc", GRID), rows("gyro", GRID)]))
    assert max(times_s) == pytest.approx(GRID[-1] - 0.2, abs=0.021)


def test_gravity_and_body_acceleration_are_added() -> None:
    alignment = Alignment("a")
    parts = [rows("gravity", GRID, 10.0), rows("gyro", GRID), rows("body_acc", GRID)]
    times_s, values = samples(alignment.push(parts) + alignment.flush())
    assert times_s == GRID.tolist()
    assert np.allclose(np.array(values)[:, 0], 11 * GRID, atol=1e-5)


def test_total_acceleration_goes_before_body_acceleration() -> None:
    alignment = Alignment("a")
    parts = [rows("body_acc", GRID), rows("total_acc", GRID, 5.0), rows("gravity", GRID), rows("gyro", GRID)]
    blocks = alignment.push(parts) + alignment.flush()
    times_s, values = samples(blocks)
    assert times_s == GRID.tolist()
    assert np.allclose(np.array(values)[:, 0], 5 * GRID, atol=1e-5)
    assert refusals(blocks) == {}


def test_messages_that_overtake_one_another_within_the_horizon_come_in_order() -> None:
    alignment = Alignment("a")
    parts = [[rows("total_acc", part), rows("gyro", part)] for part in np.split(GRID, 20)]
    blocks = [block for at in (0, 2, 1, 4, 3, 5, 6, 7, 9, 8) for block in alignment.push(parts[at])]
    times_s, _ = samples(blocks + alignment.flush())
    assert times_s == GRID[:50].tolist()


def test_a_row_that_comes_twice_is_repeated_or_late() -> None:
    alignment = Alignment("a")
    blocks = alignment.push([rows("total_acc", GRID), rows("gyro", GRID), rows("total_acc", GRID[-1:])])
    assert refusals(blocks) == {"repeated": 1}
    assert refusals(alignment.push([rows("total_acc", GRID[:5])])) == {"late": 5}


def test_without_a_gyroscope_it_is_said() -> None:
    alignment = Alignment("a")
    blocks = alignment.push([rows("total_acc", np.arange(0, 3, 0.02))])
    assert set(refusals(blocks)) == {"no_gyro"}
    assert alignment.waiting <= 101
    assert set(refusals(alignment.flush())) == {"no_gyro"}


def test_a_gyroscope_that_falls_silent_or_leaves_a_hole_is_not_made_up_for() -> None:
    alignment = Alignment("a")
    gyro = GRID[(GRID < 0.5) | (GRID > 1.0)]
    blocks = alignment.push([rows("total_acc", GRID), rows("gyro", gyro)]) + alignment.flush()
    times_s, _ = samples(blocks)
    assert not [time for time in times_s if 0.5 < time < 1.0]
    assert refusals(blocks) == {"unaligned": len(GRID) - len(times_s)}


def test_a_clock_that_is_set_back_begins_anew() -> None:
    alignment = Alignment("a")
    blocks = alignment.push([rows("total_acc", GRID + 1000), rows("gyro", GRID + 1000)])
    blocks += alignment.push([rows("total_acc", GRID), rows("gyro", GRID)]) + alignment.flush()
    times_s, _ = samples(blocks)
    assert times_s[-len(GRID) :] == GRID.tolist()
    assert len(times_s) + sum(refusals(blocks).values()) == 2 * len(GRID)


def test_one_row_of_the_far_future_does_no_lasting_harm() -> None:
    alignment = Alignment("a")
    for sensor in ("total_acc", "gyro"):
        alignment.push([rows(sensor, [1e11])])
    blocks = [
        block
        for at in range(5)
        for block in alignment.push([rows("total_acc", GRID + 2 * at), rows("gyro", GRID + 2 * at)])
    ]
    assert len(samples(blocks)[0]) > 450


def test_memory_is_bounded_whatever_the_times() -> None:
    alignment = Alignment("a")
    for at in range(20):
        times_s = np.linspace(at / 1e3, (at + 1) / 1e3, 1000, endpoint=False)
        for sensor in get_args(Sensor):
            alignment.push([rows(sensor, times_s)])
    assert all(len(held.times_s) <= MOST_ROWS for held in alignment._rows.values())  # noqa: SLF001 - part of the contract


PUSHES = st.lists(
    st.lists(
        st.tuples(
            st.sampled_from(get_args(Sensor)), st.lists(st.integers(0, 300).map(lambda at: at / 50), max_size=30)
        ),
        max_size=3,
    ),
    max_size=20,
)


@given(PUSHES)
def test_every_row_of_acceleration_is_in_a_block_or_refused(pushes: list[list[tuple[Sensor, list[float]]]]) -> None:
    alignment, blocks, came = Alignment("a"), list[Block](), 0
    for push in pushes:
        parts = [rows("total_acc" if sensor == "body_acc" else sensor, times_s) for sensor, times_s in push]
        came += sum(len(times_s) for sensor, times_s, _ in parts if sensor == "total_acc")
        blocks += alignment.push(parts)
        assert came == sum(block.samples for block in blocks) + alignment.waiting
    blocks += alignment.flush()
    times_s, _ = samples(blocks)
    assert came == len(times_s) + sum(refusals(blocks).values())


@given(PUSHES)
def test_samples_come_in_order_but_for_clocks_set_back(pushes: list[list[tuple[Sensor, list[float]]]]) -> None:
    alignment = Alignment("a")
    for push in pushes:
        times_s, _ = samples(alignment.push([rows(sensor, times_s) for sensor, times_s in push]))
        assert (np.diff(times_s) > 0).all()
