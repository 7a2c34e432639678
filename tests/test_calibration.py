"""Ten seconds of walking tell where up is, whichever way the device is worn, and nothing else does."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from har_stream.activities import NAME_BY_CODE
from har_stream.calibration import Calibration, CalibrationError, angle_deg, walks
from har_stream.datasets import Hapt, Selection, open_data_set
from har_stream.preprocessing import filter_recording
from har_stream.samples import Samples
from har_stream.upright import gravity_of, unit
from tests.motion import RATE_HZ, model
from tests.turned_walk import simulated, worn_turned

MANIFEST, _ = model()
FRAMING = MANIFEST.framing
HOP_S = FRAMING.hop / RATE_HZ


def framed(values: Samples) -> Samples:
    """The windows of a recording."""
    channels = filter_recording(values, MANIFEST.filters, rate_hz=RATE_HZ)
    starts = range(0, len(channels) - FRAMING.window + 1, FRAMING.hop)
    return np.stack([channels[start : start + FRAMING.window] for start in starts])


def feed(windows: Samples, calibration: Calibration | None = None, breaks: frozenset[int] = frozenset()) -> int:
    """Give windows one by one; return after how many there was a direction, 0 for never."""
    calibration = calibration or Calibration("phone", FRAMING)
    for number in range(len(windows)):
        begins = np.array([number in breaks])
        if calibration.take(windows[number : number + 1], np.array([number * HOP_S]), begins) is not None:
            return number + 1
    return 0


def times_of(windows: Samples) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """When windows without a break begin, and that none begins anew."""
    return np.arange(len(windows), dtype=np.float64) * HOP_S, np.zeros(len(windows), np.bool_)


def leaning(windows: Samples, angles_deg: list[float]) -> Samples:
    """Windows of a walk, each under a gravity of its own, with the same motion."""
    total = windows.copy()
    for window, angle in zip(total, np.radians(angles_deg), strict=True):
        window[:, 6:9] = window[:, 0:3] + np.array([np.cos(angle), np.sin(angle), 0])
    return total


WALK = framed(simulated("walking:40"))
SIT = framed(simulated("sitting:80"))


def test_walking_is_told_from_rest_on_recorded_volunteers(hapt_zip: Path) -> None:
    data_set = open_data_set(hapt_zip)
    assert isinstance(data_set, Hapt)
    found: dict[str, list[bool]] = {}
    for recording in data_set.recordings(Selection(subjects=frozenset({1, 3, 5}))):
        assert recording.truth is not None
        windows = framed(recording.values)
        walking = walks(windows, RATE_HZ)
        for number, one in enumerate(walking.tolist()):
            truth = recording.truth[number * FRAMING.hop :][: FRAMING.window]
            if (truth == truth[0]).all():
                found.setdefault(NAME_BY_CODE[truth[0]] or "", []).append(one)
    for activity in ("walking", "walking_upstairs", "walking_downstairs"):
        assert np.mean(found[activity]) > 0.98, activity
    for activity in ("sitting", "standing", "laying"):
        assert np.mean(found[activity]) < 0.03, activity


@pytest.mark.parametrize("turn_deg", [0, 30, 90, 180, -120])
def test_the_direction_is_that_of_gravity_in_the_walk_and_turns_with_the_device(turn_deg: float) -> None:
    values = simulated("sitting:20,walking:40")
    calibration = Calibration("phone", FRAMING)
    windows = framed(worn_turned(values, turn_deg))
    direction = calibration.take(windows, *times_of(windows))
    assert direction is not None
    walked = unit(gravity_of(framed(worn_turned(values[1500:], turn_deg))).mean(axis=0))
    assert angle_deg(direction[np.newaxis], walked)[0] < 2


def test_ten_seconds_are_seven_windows_and_a_stop_or_a_gap_begins_them_anew() -> None:
    assert feed(WALK) == 7
    assert feed(np.concatenate([SIT[:5], WALK])) == 5 + 7
    assert feed(np.concatenate([WALK[:6], SIT[:1], WALK])) == 6 + 1 + 7
    assert feed(WALK, breaks=frozenset({0, 4})) == 4 + 7
    assert feed(WALK[:6]) == 0


def test_any_cut_gives_the_same_direction() -> None:
    times, begins = times_of(WALK)
    whole = Calibration("phone", FRAMING).take(WALK, times, begins)
    parts = Calibration("phone", FRAMING)
    assert parts.take(WALK[:3], times[:3], begins[:3]) is None
    cut = parts.take(WALK[3:], times[3:], begins[3:])
    assert whole is not None
    assert cut is not None
    assert np.array_equal(whole, cut)


def test_who_never_walks_is_told_so_after_a_minute() -> None:
    with pytest.raises(CalibrationError, match=r"phone: no 10 s of walking within 60 s"):
        feed(SIT)
    assert feed(SIT[:46]) == 0


def test_who_has_begun_when_the_minute_is_over_may_finish() -> None:
    assert feed(np.concatenate([SIT[:45], WALK])) == 45 + 7


def test_who_walks_with_breaks_only_is_told_so_too() -> None:
    with pytest.raises(CalibrationError, match=r"no 10 s of walking"):
        feed(np.tile(WALK[:5], (20, 1, 1)), breaks=frozenset(range(0, 100, 5)))


def test_a_device_that_slips_is_refused_and_one_that_came_to_rest_is_not() -> None:
    slipping = leaning(WALK[:20], [6.0 * number for number in range(20)])
    with pytest.raises(CalibrationError, match=r"turned by 1\d degrees .* 10 are let pass"):
        feed(slipping)
    assert feed(leaning(WALK[:20], [40.0] * 4 + [0.0] * 16)) == 4 + 6
    assert feed(leaning(WALK[:20], [0.0, 6.0] * 10)) == 7
