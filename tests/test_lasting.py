"""Since when a label is in force."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from har_stream.lasting import LONGEST_GAP_S, Lasting
from har_stream.smoothing import NONE

steps = st.lists(
    st.tuples(
        st.integers(0, 2), st.sampled_from([-5.0, 0.0, 1.28, LONGEST_GAP_S, LONGEST_GAP_S + 0.01]), st.integers(NONE, 1)
    ),
    max_size=40,
)


def since(*windows: tuple[float, int]) -> list[float]:
    """What one device's windows get, given by their ends and labels."""
    end_s, labels = np.array([end for end, _ in windows]), np.array([label for _, label in windows])
    return list(Lasting(rows=1).push(np.zeros(len(windows), np.intp), end_s, labels))


def test_a_label_is_in_force_since_the_end_of_its_first_window() -> None:
    #     label      0    0    1    unknown  unknown
    assert since((2.5, 0), (3.8, 0), (5.1, 1), (6.4, NONE), (7.7, NONE)) == [2.5, 2.5, 5.1, 6.4, 6.4]


@pytest.mark.parametrize(
    ("end_s", "begun_s"),
    [(13.8, 2.5), (13.9, 13.9), (3.8, 2.5), (3.7, 3.7)],
    ids=["the longest gap", "a longer one", "no time at all", "a clock set back"],
)
def test_a_short_gap_ends_nothing(end_s: float, begun_s: float) -> None:
    assert since((2.5, 0), (3.8, 0), (end_s, 0)) == [2.5, 2.5, begun_s]


@given(steps)
def test_devices_in_any_order_and_any_batches_get_what_each_gets_alone(steps: list[tuple[int, float, int]]) -> None:
    together, clocks, told = Lasting(rows=3), np.zeros(3), []
    for row, passed_s, label in steps:
        clocks[row] += passed_s
        told.append((row, clocks[row], label))
    rows, end_s, labels = (np.array(column) for column in zip(*told, strict=True)) if told else np.zeros((3, 0))
    half = len(told) // 2
    found = [
        together.push(rows[part].astype(np.intp), end_s[part], labels[part].astype(np.int64))
        for part in (slice(half), slice(half, None))
    ]
    for row in range(3):
        alone = since(*[(end, label) for one, end, label in told if one == row])
        assert np.concatenate(found)[rows == row].tolist() == alone


def test_another_device_in_a_row_has_nothing_of_the_one_before() -> None:
    held = Lasting(rows=1)
    row = np.zeros(1, np.intp)
    held.push(row, np.array([2.5]), np.array([0]))
    held.reset(0)
    assert held.push(row, np.array([3.8]), np.array([0])).tolist() == [3.8]


def test_what_was_kept_goes_on() -> None:
    before, after = Lasting(rows=1), Lasting(rows=2)
    before.push(np.zeros(2, np.intp), np.array([2.5, 3.8]), np.array([1, 1]))
    rows, end_s = np.array([1]), np.array([20.0])
    after.resume(rows, before.snapshot(np.array([0])), end_s)
    assert after.push(rows, end_s, np.array([1])).tolist() == [2.5]
    after.resume(rows, before.snapshot(np.array([0])), end_s)
    assert after.push(rows, end_s, np.array([0])).tolist() == [20.0]
