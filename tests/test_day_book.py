"""The day book: seconds of each activity by local day."""

from __future__ import annotations

import math
from datetime import UTC, date, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from har_stream.day_book import DAYS_KEPT, LONGEST_GAP_S, DayBook, by_day

BERLIN = ZoneInfo("Europe/Berlin")
DAY = date(2026, 11, 24)
NOON_S = datetime(2026, 11, 24, 12, tzinfo=UTC).timestamp()
MIDNIGHT_S = datetime(2026, 11, 25, tzinfo=UTC).timestamp()
HOP_S = 1.28


def book(limit: int = 8) -> DayBook:
    return DayBook(limit=limit, zone=UTC)


def add_hops(days: DayBook, activity: str, hops: int, *, start_s: float = 0.0, wall_s: float = NOON_S) -> None:
    for hop in range(hops):
        begin_s = start_s + hop * HOP_S
        days.add("watch", activity, begin_s, begin_s + HOP_S, wall_s=wall_s + (hop + 1) * HOP_S)


def test_spans_add_up_by_activity() -> None:
    days = book()
    add_hops(days, "walking", 10)
    add_hops(days, "sitting", 5, start_s=10 * HOP_S)
    assert days.seconds("watch", DAY) == pytest.approx({"walking": 12.8, "sitting": 6.4})
    assert days.seconds("watch", DAY + timedelta(days=1)) == days.seconds("other", DAY) == {}


def test_a_burst_counts_its_spans_not_its_arrivals() -> None:
    days = book()
    for hop in range(100):
        days.add("watch", "walking", hop * HOP_S, (hop + 1) * HOP_S, wall_s=NOON_S)
    assert days.seconds("watch", DAY) == pytest.approx({"walking": 128.0})


@pytest.mark.parametrize(
    ("gap_s", "walking_s"), [(0.5, 3.06), (LONGEST_GAP_S, 12.56), (LONGEST_GAP_S + 0.1, 2.56), (-1e6, 2.56)]
)
def test_a_short_gap_goes_on_as_what_was_before_and_a_long_one_is_no_data(gap_s: float, walking_s: float) -> None:
    days = book()
    add_hops(days, "walking", 2)
    add_hops(days, "sitting", 1, start_s=2 * HOP_S + gap_s, wall_s=NOON_S + 2 * HOP_S + abs(gap_s))
    total = {"walking": 0.0, "sitting": 0.0}
    for held in days.snapshot()["watch"].values():
        total = {activity: total[activity] + held.get(activity, 0.0) for activity in total}
    assert total == pytest.approx({"walking": walking_s, "sitting": HOP_S})


def test_a_span_over_midnight_is_parted() -> None:
    days = book()
    days.add("watch", "laying", 100.0, 110.0, wall_s=MIDNIGHT_S + 4)
    assert days.snapshot()["watch"] == {"2026-11-24": {"laying": 6.0}, "2026-11-25": {"laying": 4.0}}


def test_days_and_devices_are_bounded_and_the_newest_stay() -> None:
    days = book(limit=2)
    for device in ("a", "b", "c"):
        for number in range(5):
            days.add(device, "sitting", number * 1e6, number * 1e6 + 1, wall_s=NOON_S + number * 86_400)
    held = days.snapshot()
    assert list(held) == ["b", "c"]
    assert list(held["c"]) == ["2026-11-27", "2026-11-28"]
    assert len(held["c"]) == DAYS_KEPT


def test_what_was_kept_goes_on_and_never_goes_before_what_was_counted_since() -> None:
    first, second = book(), book()
    add_hops(first, "walking", 3)
    second.restore("watch", first.snapshot()["watch"])
    second.restore("watch", {"2026-11-24": {"walking": 1e9}})
    add_hops(second, "walking", 2)
    assert second.seconds("watch", DAY) == pytest.approx({"walking": 5 * HOP_S})


def test_what_was_kept_wrongly_counts_nothing() -> None:
    days = book()
    days.restore("watch", {"2026-11-24": {"walking": math.inf, "sitting": -1.0, "laying": 2.0}})
    assert days.seconds("watch", DAY) == {"laying": 2.0}


@pytest.mark.parametrize(("day", "hours"), [(date(2026, 3, 29), 23), (date(2026, 10, 25), 25), (DAY, 24)])
def test_a_day_whose_clocks_are_changed_is_shorter_or_longer(day: date, hours: int) -> None:
    start_s = datetime.combine(day, datetime.min.time(), BERLIN).timestamp()
    parts = dict(by_day(start_s - 3600, start_s + 30 * 3600, BERLIN))
    assert parts[day] == hours * 3600


ZONES = st.sampled_from([UTC, BERLIN, ZoneInfo("America/Sao_Paulo"), ZoneInfo("Asia/Kathmandu"), None])


@given(
    start_s=st.floats(1.5e8, 4e9), duration_s=st.floats(0, 4e5), zone=ZONES | st.just(timezone(timedelta(hours=-12)))
)
def test_parts_add_up_to_the_span_and_stand_in_order(start_s: float, duration_s: float, zone: timezone | None) -> None:
    parts = list(by_day(start_s, start_s + duration_s, zone))
    assert sum(seconds for _, seconds in parts) == pytest.approx(duration_s, abs=1e-3)
    assert all(seconds > 0 for _, seconds in parts)
    assert [day for day, _ in parts] == sorted({day for day, _ in parts})
