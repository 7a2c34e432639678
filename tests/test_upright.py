"""The upright reference: what walking teaches, slowly forgotten, soon learned anew."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from har_stream.manifest import UprightConstants
from har_stream.samples import Samples
from har_stream.upright import OPPOSITE, Upright, UprightState, calibrated, gravity_of, rotation_to_up, turned, unit

CONSTANTS = UprightConstants(sure_above=0.9, least_windows=3, forget_windows=50, turned_over_deg=40.0)
ROW = np.zeros(1, np.intp)
SURE, UNSURE = np.array([0.95], np.float32), np.array([0.6], np.float32)

directions = st.tuples(*[st.floats(-1, 1)] * 3).filter(lambda v: np.linalg.norm(v) > 0.1)


@cache
def window_of_noise(seed: int) -> NDArray[np.float64]:
    return np.random.default_rng(seed).standard_normal((1, 128, 9)) * 0.1


def window(gravity: NDArray[np.float64] | list[float], seed: int = 0) -> Samples:
    """A window (1, 128, 9) of noise under a gravity."""
    noise = window_of_noise(seed).copy()
    noise[:, :, 6:] = noise[:, :, :3] + np.array(gravity)
    return noise.astype(np.float32)


@given(directions)
def test_the_rotation_brings_any_direction_up_and_is_one(direction: tuple[float, float, float]) -> None:
    (rotation,) = rotation_to_up(np.array([direction]))
    # What hangs straight down is turned about z, and so is what comes as near to that as makes OPPOSITE.
    off = 1e-5 if unit(np.array(direction))[0] > OPPOSITE - 1 else np.sqrt(2 * OPPOSITE)
    assert rotation @ unit(np.array(direction)) == pytest.approx([1, 0, 0], abs=off)
    assert rotation @ rotation.T == pytest.approx(np.eye(3), abs=1e-5)
    assert np.linalg.det(rotation) == pytest.approx(1, abs=1e-5)


def test_what_hangs_upside_down_is_turned_too() -> None:
    (rotation,) = rotation_to_up(np.array([[-1.0, 0, 0]]))
    assert rotation @ [-1, 0, 0] == pytest.approx([1, 0, 0])
    assert np.linalg.det(rotation) == pytest.approx(1)


def test_the_shortest_rotation_leaves_its_axis_where_it_is() -> None:
    (rotation,) = rotation_to_up(np.array([[np.cos(0.3), np.sin(0.3), 0]]))
    assert rotation @ [0, 0, 1] == pytest.approx([0, 0, 1])


def test_every_sensor_is_turned_alike() -> None:
    (rotation,) = rotation_to_up(np.array([[0.5, 0.5, -0.7]]))
    one = window([0.5, 0.5, -0.7])
    seen = turned(one, rotation[np.newaxis])
    for sensor in range(3):
        part = slice(3 * sensor, 3 * sensor + 3)
        assert seen[0, :, part] == pytest.approx(one[0, :, part] @ rotation.T, abs=1e-6)
    assert unit(gravity_of(seen))[0] == pytest.approx([1, 0, 0], abs=1e-6)


def test_until_walking_is_known_windows_stay_as_they_are() -> None:
    upright, one = Upright(CONSTANTS, rows=1), window([0, 1, 0])
    for _ in range(10):
        upright.learn(ROW, one, UNSURE)
    for _ in range(CONSTANTS.least_windows):  # the first of them only says that the next one teaches
        upright.learn(ROW, one, SURE)
    assert np.array_equal(upright.turn(ROW, one), one)
    upright.learn(ROW, one, SURE)
    assert unit(gravity_of(upright.turn(ROW, one)))[0] == pytest.approx([1, 0, 0], abs=1e-6)


def test_the_reference_is_the_mean_of_what_was_walked() -> None:
    upright = Upright(CONSTANTS, rows=1)
    for angle in (0.9, 0.1, 0.2, 0.3):
        upright.learn(ROW, window([np.cos(angle), np.sin(angle), 0]), SURE)
    seen = gravity_of(upright.turn(ROW, window([np.cos(0.2), np.sin(0.2), 0])))
    assert unit(seen)[0] == pytest.approx([1, 0, 0], abs=1e-3)


def test_one_window_that_points_elsewhere_changes_nothing_and_several_begin_anew() -> None:
    upright, before, after = Upright(CONSTANTS, rows=1), window([1, 0.1, 0]), window([0, 0, 1])
    for _ in range(20):
        upright.learn(ROW, before, SURE)
    known = upright.turn(ROW, before)
    upright.learn(ROW, after, SURE)
    upright.learn(ROW, before, SURE)
    upright.learn(ROW, after, SURE)
    upright.learn(ROW, after, SURE)
    assert upright.turn(ROW, before) == pytest.approx(known, abs=1e-5)
    upright.learn(ROW, after, SURE)
    assert unit(gravity_of(upright.turn(ROW, after)))[0] == pytest.approx([1, 0, 0], abs=1e-6)


def test_a_slow_shift_is_followed() -> None:
    upright = Upright(CONSTANTS, rows=1)
    for angle in np.linspace(0, 1.2, 400):
        upright.learn(ROW, window([np.cos(angle), np.sin(angle), 0]), SURE)
    seen = unit(gravity_of(upright.turn(ROW, window([np.cos(1.2), np.sin(1.2), 0]))))[0]
    assert np.degrees(np.arccos(seen[0])) < 15


def test_a_calibration_holds_until_walking_says_otherwise() -> None:
    upright, one = Upright(CONSTANTS, rows=2), window([0, 1, 0.2])
    upright.restore(1, calibrated(np.array([0, 1, 0.2]), CONSTANTS))
    assert unit(gravity_of(upright.turn(np.array([1]), one)))[0] == pytest.approx([1, 0, 0], abs=1e-6)
    assert np.array_equal(upright.turn(ROW, one), one)
    upright.reset(np.array([1]))
    assert np.array_equal(upright.turn(np.array([1]), one), one)


def test_a_single_sure_window_between_others_teaches_nothing() -> None:
    upright, one = Upright(CONSTANTS, rows=1), window([0, 1, 0])
    for _ in range(20):
        upright.learn(ROW, one, SURE)
        upright.learn(ROW, one, UNSURE)
    assert np.array_equal(upright.turn(ROW, one), one)


@given(st.lists(st.tuples(st.sampled_from(["sure", "unsure", "pause"]), directions), max_size=12))
def test_it_makes_no_difference_when_it_learns(steps: list[tuple[str, tuple[float, float, float]]]) -> None:
    at_once, late = Upright(CONSTANTS, rows=1), Upright(CONSTANTS, rows=1)
    for number, (step, direction) in enumerate(steps):
        for upright in (at_once, late):
            if step == "pause":
                upright.pause(ROW)
            else:
                upright.learn(ROW, window(list(direction), number), SURE if step == "sure" else UNSURE)
        at_once.settle()
    assert late.snapshot(ROW) == at_once.snapshot(ROW)
    assert np.array_equal(late.turn(ROW, window([0, 1, 0])), at_once.turn(ROW, window([0, 1, 0])))


@pytest.mark.parametrize("ask", ["turn", "snapshot"])
def test_what_it_learned_last_counts_for_whoever_asks(ask: str) -> None:
    upright, one = Upright(CONSTANTS, rows=1), window([0, 1, 0])
    for _ in range(1 + CONSTANTS.least_windows):
        upright.learn(ROW, one, SURE)
    if ask == "turn":
        assert unit(gravity_of(upright.turn(ROW, one)))[0] == pytest.approx([1, 0, 0], abs=1e-6)
    else:
        (state,) = upright.snapshot(ROW)
        assert state is not None
        assert state.windows == CONSTANTS.least_windows


def test_who_takes_the_place_of_another_has_nothing_of_what_that_one_learned_last() -> None:
    upright, one = Upright(CONSTANTS, rows=1), window([0, 1, 0])
    for _ in range(2):
        upright.learn(ROW, one, SURE)
    upright.reset(ROW)
    upright.learn(ROW, one, SURE)
    assert upright.snapshot(ROW) == [None]
    upright.learn(ROW, one, SURE)
    upright.restore(0, UprightState((0.0, 0.0, 1.0), 7))
    assert upright.snapshot(ROW) == [UprightState((0.0, 0.0, 1.0), 7)]


def test_devices_do_not_touch_each_other() -> None:
    together, alone = Upright(CONSTANTS, rows=3), Upright(CONSTANTS, rows=3)
    for step in range(10):
        rows = np.array([2, 0] if step % 2 else [0, 1, 2])
        gravities = [[1, 0.1 * row, 0.02 * step] for row in rows]
        windows = np.concatenate([window(gravity, step) for gravity in gravities])
        together.learn(rows, windows, np.full(len(rows), 0.95, np.float32))
        alone.learn(ROW, windows[rows == 0], SURE)
    one = window([1, 0.3, 0.3])
    assert np.array_equal(together.turn(ROW, one), alone.turn(ROW, one))
    assert not np.array_equal(together.turn(np.array([2]), one), together.turn(ROW, one))


def test_after_a_gap_the_first_sure_window_teaches_nothing() -> None:
    upright, one = Upright(CONSTANTS, rows=1), window([0, 1, 0])
    for _ in range(20):
        upright.learn(ROW, one, SURE)
        upright.pause(ROW)
    assert np.array_equal(upright.turn(ROW, one), one)


@given(st.lists(directions, min_size=1, max_size=12), st.lists(directions, max_size=12))
def test_what_is_put_back_turns_and_goes_on_learning_as_what_was_taken_out(
    before: list[tuple[float, float, float]], after: list[tuple[float, float, float]]
) -> None:
    first, second = Upright(CONSTANTS, rows=1), Upright(CONSTANTS, rows=3)
    for direction in [*before, before[-1], before[-1], before[-1]]:  # ends without a doubt, which is not kept
        first.learn(ROW, window(list(unit(np.array(direction)))), SURE)
    first.pause(ROW)
    (state,) = first.snapshot(ROW)
    assert state is not None
    second.restore(2, state)
    for number, direction in enumerate([(1.0, 0.0, 0.0), *after]):
        one = window(list(unit(np.array(direction))), number)
        assert np.array_equal(first.turn(ROW, one), second.turn(np.array([2]), one))
        first.learn(ROW, one, SURE)
        second.learn(np.array([2]), one, SURE)
    assert second.snapshot(np.array([2])) == first.snapshot(ROW)


def test_a_device_that_has_not_walked_has_no_state() -> None:
    upright = Upright(CONSTANTS, rows=2)
    upright.restore(1, UprightState((0.0, 1.0, 0.0), 2))
    assert upright.snapshot(np.array([0, 1])) == [None, UprightState((0.0, 1.0, 0.0), 2)]
    assert np.array_equal(upright.turn(np.array([1]), window([0, 1, 0])), window([0, 1, 0]))


def test_a_reference_of_a_model_that_forgets_later_forgets_as_soon_as_this_one() -> None:
    upright = Upright(CONSTANTS, rows=1)
    upright.restore(0, UprightState((0.0, 1.0, 0.0), 5000))
    assert upright.snapshot(ROW) == [UprightState((0.0, 1.0, 0.0), CONSTANTS.forget_windows)]
