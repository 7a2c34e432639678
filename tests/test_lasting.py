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
    return Lasting().push([0] * len(windows), [end for end, _ in windows], [label for _, label in windows])


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


@given(steps, st.integers(0, 40))
def test_devices_in_any_order_and_any_batches_get_what_each_gets_alone(
    steps: list[tuple[int, float, int]], cut: int
) -> None:
    together, clocks, told = Lasting(), [0.0] * 3, []
    for row, passed_s, label in steps:
        clocks[row] += passed_s
        told.append((row, clocks[row], label))
    found = []
    for part in (told[:cut], told[cut:]):
        rows, ends_s, labels = [one for one, _, _ in part], [end for _, end, _ in part], [label for _, _, label in part]
        found += together.push(rows, ends_s, labels)
    for row in range(3):
        alone = since(*[(end, label) for one, end, label in told if one == row])
        assert [begun_s for begun_s, (one, _, _) in zip(found, told, strict=True) if one == row] == alone


def test_another_device_in_a_row_has_nothing_of_the_one_before() -> None:
    held = Lasting()
    held.push([0], [2.5], [0])
    held.reset(0)
    assert held.push([0], [3.8], [0]) == [3.8]


def test_what_was_kept_goes_on() -> None:
    before, after = Lasting(), Lasting()
    before.push([0, 0], [2.5, 3.8], [1, 1])
    kept = before.snapshot(np.array([0]))
    assert kept.tolist() == [[3.8, 2.5, 1]]
    after.resume(np.array([1]), kept, np.array([20.0]))
    assert after.push([1], [20.0], [1]) == [2.5]
    after.resume(np.array([1]), kept, np.array([20.0]))
    assert after.push([1], [20.0], [0]) == [20.0]


def test_who_has_had_no_window_stands_nowhere() -> None:
    held = Lasting()
    held.push([2], [2.5], [1])
    kept = held.snapshot(np.array([2, 0]))
    assert np.isnan(kept[:, 0]).tolist() == [False, True]
    assert held.snapshot(np.zeros(0, np.intp)).shape == (0, 3)
