"""How long each device was in which activity, on each local day. No I/O, no clock: time comes in with the data.

Segments of wall time are parted at local midnight, so a day has 23 hours or 25 where clocks are changed. Minutes today
(har_stream.today) and reports (har_stream.day_report) are counted here, by count_seconds().
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from datetime import date, datetime, timedelta, tzinfo
from typing import Final

from har_stream.segments import Segment

DAYS_KEPT: Final = 2
"""Today, and yesterday, whose last spans are told after midnight."""

Day = dict[str, float]
"""Seconds by activity."""
Days = dict[str, Day]
"""By local date as 2026-11-24, the one begun longest ago first."""


def local_date(wall_s: float, zone: tzinfo | None = None) -> date:
    """Return the local date of a time since the epoch; zone None is the system's."""
    return datetime.fromtimestamp(wall_s, zone).date()


def midnight_s(day: date, zone: tzinfo | None = None) -> float:
    """Return when a local day begins, in s since the epoch."""
    return datetime.combine(day, datetime.min.time(), zone).timestamp()


def by_day(start_s: float, end_s: float, zone: tzinfo | None = None) -> Iterator[tuple[date, float]]:
    """Part a span of wall time at local midnights, as (local date, seconds)."""
    while start_s < end_s:
        day = local_date(start_s, zone)
        until_s = min(end_s, midnight_s(day + timedelta(days=1), zone))
        if until_s <= start_s:  # a zone whose clocks are set back over midnight
            until_s = end_s
        yield day, until_s - start_s
        start_s = until_s


def count_seconds(days: Days, segment: Segment, zone: tzinfo | None = None) -> None:
    """Add a segment to the seconds of its activity on the local days that it touches."""
    for day, seconds in by_day(segment.start_s, segment.end_s, zone):
        held = days.setdefault(day.isoformat(), {})
        held[segment.label] = held.get(segment.label, 0.0) + seconds


class DayBook:
    """Seconds of each activity by device and local day, for the `limit` devices that were heard of last."""

    def __init__(self, *, limit: int, zone: tzinfo | None = None) -> None:
        self._limit, self._zone = limit, zone
        self._days: dict[str, Days] = {}

    def add(self, segment: Segment) -> None:
        """Count a segment."""
        days = self._days.pop(segment.device, {})
        self._days[segment.device] = days
        count_seconds(days, segment, self._zone)
        while len(days) > DAYS_KEPT:
            del days[next(iter(days))]
        self._bound()

    def seconds(self, device: str, day: date) -> Mapping[str, float]:
        """Return the seconds of each activity that a device had on a day."""
        return self._days.get(device, {}).get(day.isoformat(), {})

    def snapshot(self) -> dict[str, Days]:
        """Return a copy of all, the device heard of longest ago first."""
        return {device: {day: dict(held) for day, held in days.items()} for device, days in self._days.items()}

    def restore(self, device: str, days: Days) -> None:
        """Take what an earlier run counted; of a device that was counted since, its own goes before."""
        if device not in self._days and days:
            self._days[device] = {day: _lawful(held) for day, held in list(days.items())[-DAYS_KEPT:]}
            self._bound()

    def _bound(self) -> None:
        while len(self._days) > self._limit:
            del self._days[next(iter(self._days))]


def _lawful(day: Day) -> Day:
    return {activity: seconds for activity, seconds in day.items() if math.isfinite(seconds) and seconds >= 0}
