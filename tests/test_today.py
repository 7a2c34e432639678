"""What stands about each device now and today."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest
from msgspec.structs import replace

from har_stream.samples import Refused, SampleBlock, Settled
from har_stream.state import DeviceState, States, decode, encode
from har_stream.today import Standing, Today, WithDays
from har_stream.upright import UprightState
from tests.predictions import prediction

NOON_S = datetime(2026, 11, 24, 12, tzinfo=UTC).timestamp()
HOP_S = 1.28


def today(limit: int = 8) -> Today:
    return Today(limit=limit, zone=UTC)


def note(held: Today, *labels: str, device: str = "watch", start_s: float = 0.0, wall_s: float = NOON_S) -> None:
    """Windows that end every hop, each settled two hops late as the same activity."""
    for number, label in enumerate(labels):
        end_s = start_s + number * HOP_S
        settled = Settled(end_s - 3 * HOP_S, end_s - 2 * HOP_S, label)
        told = prediction(device, end_s, label, raw="sitting", settled=settled if label != "unknown" else None)
        held.note([], [replace(told, wall_s=wall_s + number * HOP_S)], now_s=0.0)


def standing(held: Today, device: str = "watch", wall_s: float = NOON_S) -> Standing:
    told = held.standing(device, wall_s)
    assert told is not None
    return told


def test_the_time_in_the_activity_is_that_of_the_newest_window() -> None:
    held = today()
    held.note([], [prediction("watch", 3.0), prediction("watch", 20.0, since_s=12.5)], now_s=0.0)
    assert (standing(held).activity, standing(held).seconds_in_activity) == ("walking", 7.5)


def test_settled_labels_make_up_the_day_and_midnight_begins_another() -> None:
    held = today()
    note(held, *["walking"] * 10, "unknown", "sitting")
    assert standing(held).seconds_today == pytest.approx({"walking": 11 * HOP_S, "sitting": HOP_S})
    assert standing(held, wall_s=NOON_S + 86_400).seconds_today == {}


@pytest.mark.parametrize(("label", "moving"), [("walking_upstairs", True), ("laying", False), ("unknown", None)])
def test_moving_is_known_where_the_activity_tells(label: str, moving: bool | None) -> None:  # noqa: FBT001 - a case
    held = today()
    note(held, label)
    assert standing(held).moving is moving


def test_marks_tell_the_devices_with_news_and_memory_is_bounded() -> None:
    held = today(limit=2)
    assert held.since(0) == (0, [])
    note(held, "walking", device="a")
    note(held, "walking", device="b")
    mark, news = held.since(0)
    assert news == ["a", "b"]
    note(held, "walking", device="a", start_s=HOP_S, wall_s=NOON_S + HOP_S)
    assert held.since(mark) == (mark + 1, ["a"])
    note(held, "walking", device="c")
    assert held.standing("b", NOON_S) is None
    assert sorted(held.snapshot()) == ["a", "c"]


def test_rates_are_those_of_devices_with_labels() -> None:
    held = today()
    note(held, "walking")
    block = SampleBlock("watch", 0, 0.0, 50.0, np.zeros((5, 6), np.float32))
    stranger = SampleBlock("no lawful id", 0, 0.0, 50.0, np.zeros((5, 6), np.float32))
    for number in range(100):
        held.note([block, stranger, Refused("watch", "corrupt")], [], now_s=number * 0.1)
    assert standing(held).rate_hz == pytest.approx(50)


class Kept:
    """A pipeline that knows some states."""

    def __init__(self, states: States) -> None:
        self.states = states

    def snapshot(self) -> States:
        return self.states

    def restore(self, states: States) -> None:
        self.states = states


def test_days_are_kept_beside_what_the_pipeline_keeps_and_come_back() -> None:
    held = today()
    note(held, "walking", "walking")
    upright: Any = UprightState(gravity=(0.0, 0.0, 1.0), windows=3)
    kept = WithDays(Kept({"watch": DeviceState(upright), "old": DeviceState(upright)}), held).snapshot()
    assert kept["watch"].upright == kept["old"].upright == upright
    after, pipeline = today(), Kept({})
    WithDays(pipeline, after).restore(decode(encode(kept)))
    assert pipeline.states == kept
    note(after, "walking", start_s=1e6)
    assert standing(after).seconds_today == pytest.approx({"walking": 3 * HOP_S})
    assert WithDays(Kept({}), after).snapshot()["watch"].days["2026-11-24"] == pytest.approx({"walking": 3 * HOP_S})
