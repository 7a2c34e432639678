"""Days and times as people give them."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from har_stream.errors import ConfigError
from har_stream.when import Period, parse_day, parse_period, parse_time

NOW_S = datetime(2026, 11, 24, 15, 30, tzinfo=UTC).timestamp()
MIDNIGHT_S = datetime(2026, 11, 24, tzinfo=UTC).timestamp()
DAY_S = 86_400.0


@pytest.mark.parametrize(("text", "days"), [("today", 0), ("yesterday", -1), ("2026-11-20", -4)])
def test_days(text: str, days: int) -> None:
    assert parse_day(text, NOW_S, UTC) == Period(MIDNIGHT_S + days * DAY_S, MIDNIGHT_S + (days + 1) * DAY_S)


def test_a_day_is_as_long_as_its_zone_makes_it() -> None:
    day = parse_day("2026-10-25", NOW_S, ZoneInfo("Europe/Berlin"))
    assert day.end_s - day.start_s == 25 * 3600


@pytest.mark.parametrize("text", ["", "tomorrow", "2026-13-01", "24.11.2026", "0001-01-01", "9999-12-31", "\udcff"])
def test_what_is_no_day(text: str) -> None:
    with pytest.raises(ConfigError, match="is no day such as"):
        parse_day(text, NOW_S, UTC)


@pytest.mark.parametrize("text", ["2026-11-24", "2026-11-24T00:00", "2026-11-24T01:00+01:00", "2026-11-24 00:00:00"])
def test_times(text: str) -> None:
    assert parse_time(text, UTC) == MIDNIGHT_S


@pytest.mark.parametrize("text", ["", "noon", "1e9", "0001-01-01T00:00", "9999-12-31T23:59"])
def test_what_is_no_time(text: str) -> None:
    with pytest.raises(ConfigError, match="is no time such as"):
        parse_time(text, UTC)


def test_periods() -> None:
    assert parse_period(None, None, None, NOW_S, UTC) == Period(MIDNIGHT_S, MIDNIGHT_S + DAY_S)
    assert parse_period(None, "2026-11-24T15:00", None, NOW_S, UTC) == Period(NOW_S - 1800, NOW_S)
    assert Period(MIDNIGHT_S, MIDNIGHT_S + DAY_S).until(NOW_S) == Period(MIDNIGHT_S, NOW_S)
    assert Period(NOW_S + 1, NOW_S + 2).until(NOW_S) == Period(NOW_S + 1, NOW_S + 2)


@pytest.mark.parametrize(
    ("day", "begin", "end"),
    [("today", "2026-11-24", None), (None, None, "2026-11-24"), (None, "2026-11-24", "2026-11-24")],
)
def test_what_is_no_period(day: str | None, begin: str | None, end: str | None) -> None:
    with pytest.raises(ConfigError):
        parse_period(day, begin, end, NOW_S, UTC)
