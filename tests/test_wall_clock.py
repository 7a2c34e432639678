"""When labels were, in s since the epoch."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from har_stream.wall_clock import LONGEST_DELAY_S, LiveClock, RecordedClock
from tests.predictions import prediction

NOON_S = 1_795_500_000.0


def stamped(clock: LiveClock | RecordedClock, wall_s: float, *ends_s: float, device: str = "watch") -> list[float]:
    told = clock.stamp([prediction(device, end_s) for end_s in ends_s], wall_s)
    return [one.wall_s for one in told]


def test_a_live_label_is_placed_by_the_arrival_that_was_late_least() -> None:
    clock = LiveClock(limit=8)
    assert stamped(clock, NOON_S, 100.0) == [NOON_S]
    assert stamped(clock, NOON_S + 4, 101.28) == [NOON_S + 1.28]
    assert stamped(clock, NOON_S + 2, 102.56) == [NOON_S + 2]
    assert stamped(clock, NOON_S + 9, 103.0) == pytest.approx([NOON_S + 2.44], abs=1e-3)


def test_what_was_held_back_and_comes_in_a_burst_is_placed_where_it_was() -> None:
    clock = LiveClock(limit=8)
    stamped(clock, NOON_S, 100.0)
    assert stamped(clock, NOON_S + 600, *[100.0 + at for at in range(600)]) == [NOON_S + at for at in range(600)]
    assert stamped(LiveClock(limit=8), NOON_S, 10.0, 20.0, 30.0) == [NOON_S - 20, NOON_S - 10, NOON_S]


@pytest.mark.parametrize(("end_s", "late_s"), [(5.0, 10.0), (101.0, LONGEST_DELAY_S + 2), (1e7, 3.0), (110.0, -3e8)])
def test_a_clock_that_was_set_or_stood_still_is_followed(end_s: float, late_s: float) -> None:
    clock = LiveClock(limit=8)
    stamped(clock, NOON_S, 100.0)
    assert stamped(clock, NOON_S + late_s, end_s) == [NOON_S + late_s]


def test_devices_have_clocks_of_their_own_and_the_newest_are_remembered() -> None:
    clock = LiveClock(limit=2)
    for at, device in enumerate("abc"):
        stamped(clock, NOON_S + at, 1000.0 * at, device=device)
    assert stamped(clock, NOON_S + 60, 2010.0, device="c") == [NOON_S + 12]
    assert stamped(clock, NOON_S + 60, 10.0, device="a") == [NOON_S + 60]


def test_who_was_heard_of_again_is_remembered() -> None:
    clock = LiveClock(limit=2)
    for at, device in enumerate("abac"):
        stamped(clock, NOON_S + at, 100.0 + at, device=device)
    assert stamped(clock, NOON_S + 60, 104.0, device="a") == [NOON_S + 4]
    assert stamped(clock, NOON_S + 60, 104.0, device="b") == [NOON_S + 60]


@given(st.lists(st.tuples(st.floats(0, 1e4), st.floats(0, 1e5)), max_size=20))
def test_nothing_is_placed_after_its_arrival(given_s: list[tuple[float, float]]) -> None:
    clock, wall_s = LiveClock(limit=2), NOON_S
    for step_s, end_s in given_s:
        wall_s += step_s
        assert all(placed_s <= wall_s for placed_s in stamped(clock, wall_s, end_s, end_s + 1))


def test_rounding_places_nothing_after_its_arrival() -> None:
    wall_s = 1_795_500_001.6816373
    assert stamped(LiveClock(limit=2), wall_s, 7_410_218_549.894624) == [wall_s]


def test_a_recording_goes_on_from_its_origin_however_fast_it_comes() -> None:
    assert stamped(RecordedClock(NOON_S), NOON_S + 1e6, 0.0, 12.5) == [NOON_S, NOON_S + 12.5]
    assert stamped(RecordedClock(NOON_S), NOON_S, 3e8) == [NOON_S + 3e8]  # switched on ten years ago


def test_a_recording_that_counts_from_the_epoch_needs_no_origin() -> None:
    assert stamped(RecordedClock(NOON_S), NOON_S, NOON_S - 1e7) == [NOON_S - 1e7]
