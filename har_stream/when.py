"""Days and times as people give them: 2026-11-24, today, yesterday, 2026-11-24T08:00; local where no zone is given."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta, tzinfo
from typing import Final

from har_stream.day_book import local_date, midnight_s
from har_stream.errors import ConfigError

RELATIVE: Final = {"today": 0, "yesterday": 1}
"""Days before today."""
BOUNDS: Final = (date(1970, 1, 2), date(9999, 12, 30))
"""Days between these have a midnight before and after them, in all zones."""


@dataclass(frozen=True, slots=True)
class Period:
    """A span [start_s, end_s), in s since the epoch."""

    start_s: float
    end_s: float

    def until(self, now_s: float) -> Period:
        """Return it without the future; one that lies there wholly stays as it is."""
        return Period(self.start_s, min(self.end_s, now_s)) if self.start_s < now_s else self


def parse_day(text: str, now_s: float, zone: tzinfo | None = None) -> Period:
    """Return a local day. Raises ConfigError for what is none."""
    try:
        today = local_date(now_s, zone)
        day = today - timedelta(days=RELATIVE[text]) if text in RELATIVE else date.fromisoformat(text)
    except ValueError:
        day = BOUNDS[0]
    if not BOUNDS[0] < day < BOUNDS[1]:
        raise ConfigError(f"{text!r} is no day such as 2026-11-24, today or yesterday")
    return Period(midnight_s(day, zone), midnight_s(day + timedelta(days=1), zone))


def parse_time(text: str, zone: tzinfo | None = None) -> float:
    """Return a time in s since the epoch; a day alone is its midnight. Raises ConfigError for what is none."""
    try:
        when = datetime.fromisoformat(text)
    except ValueError:
        when = datetime.combine(BOUNDS[0], datetime.min.time())
    if not BOUNDS[0] < when.date() < BOUNDS[1]:
        raise ConfigError(f"{text!r} is no time such as 2026-11-24T08:00 or 2026-11-24")
    return (when if when.tzinfo else when.replace(tzinfo=zone)).timestamp()


def parse_period(
    day: str | None, begin: str | None, end: str | None, now_s: float, zone: tzinfo | None = None
) -> Period:
    """Return a day, or from a time to a time or now; today if nothing is given. Raises ConfigError."""
    if begin is None:
        if end is not None:
            raise ConfigError("an end without a beginning: give from, too")
        return parse_day(day if day is not None else "today", now_s, zone)
    if day is not None:
        raise ConfigError("give a day, or from and to, not both")
    period = Period(parse_time(begin, zone), now_s if end is None else parse_time(end, zone))
    if period.start_s >= period.end_s:
        raise ConfigError("the end is not after the beginning")
    return period
