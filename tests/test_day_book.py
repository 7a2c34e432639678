"""The day book: seconds of each activity by local day."""

from __future__ import annotations

import math
from datetime import UTC, date, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from har_stream.day_book import DAYS_KEPT, DayBook, by_day
from har_stream.segments import Segment

BERLIN = ZoneInfo("Europe/Berlin")
DAY = date(2026, 11, 24)
NOON_S = datetime(2026, 11, 24, 12, tzinfo=UTC).timestamp()
MIDNIGHT_S = datetime(2026, 11, 25, tzinfo=UTC).timestamp()
HOP_S = 1.28


def book(limit: int = 8) -> DayBook:
    return DayBook(limit=limit, zone=UTC)


def add_hops(days: DayBook, activity: str, hops: int, *, start_s: float = NOON_S) -> None:
    for hop in range(hops):
        days.add(Segment("watch", activity, start_s + hop * HOP_S, start_s + (hop + 1) * HOP_S, 0.9))


def test_segments_add_up_by_activity() -> None:
    days = book()
    add_hops(days, "walking", 10)
    add_hops(days, "sitting", 5, start_s=NOON_S + 10 * HOP_S)
    assert days.seconds("watch", DAY) == pytest.approx({"walking": 12.8, "sitting": 6.4})
    assert days.seconds("watch", DAY + timedelta(days=1)) == days.seconds("other", DAY) == {}


def test_a_segment_over_midnight_is_parted() -> None:
    days = book()
    days.add(Segment("watch", "laying", MIDNIGHT_S - 6, MIDNIGHT_S + 4, 0.9))
    assert days.snapshot()["watch"] == {"2026-11-24": {"laying": 6.0}, "2026-11-25": {"laying": 4.0}}


def test_days_and_devices_are_bounded_and_the_newest_stay() -> None:
    days = book(limit=2)
    for device in ("a", "b", "c"):
        for number in range(5):
            start_s = NOON_S + number * 86_400
            days.add(Segment(device, "sitting", start_s, start_s + 1, 0.9))
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
