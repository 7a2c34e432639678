"""How long each device was in which activity, on each local day. No I/O, no clock: time comes in with the data.

Spans are given in wall time and parted at local midnight, so a day has 23 hours or 25 where clocks are changed. Time
between two spans that is no longer than LONGEST_GAP_S goes on as what was there before it, as where a stream began anew
after a short loss; what is longer is no data and counts nowhere.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from datetime import date, datetime, timedelta, tzinfo
from typing import Final

LONGEST_GAP_S: Final = 10.0
DAYS_KEPT: Final = 2
"""Today, and yesterday, whose last spans are told after midnight."""

Day = dict[str, float]
"""Seconds by activity."""
Days = dict[str, Day]
"""By local date as 2026-11-24, the one begun longest ago first."""


def local_date(wall_s: float, zone: tzinfo | None = None) -> date:
    """Return the local date of a time since the epoch; zone None is the system's."""
    return datetime.fromtimestamp(wall_s, zone).date()


def by_day(start_s: float, end_s: float, zone: tzinfo | None = None) -> Iterator[tuple[date, float]]:
    """Part a span of wall time at local midnights, as (local date, seconds)."""
    while start_s < end_s:
        day = local_date(start_s, zone)
        midnight = datetime.combine(day + timedelta(days=1), datetime.min.time(), zone)
        until_s = min(end_s, midnight.timestamp())
        if until_s <= start_s:  # a zone whose clocks are set back over midnight
            until_s = end_s
        yield day, until_s - start_s
        start_s = until_s


class DayBook:
    """Seconds of each activity by device and local day, for the `limit` devices that were heard of last."""

    def __init__(self, *, limit: int, zone: tzinfo | None = None) -> None:
        self._limit, self._zone = limit, zone
        self._days: dict[str, Days] = {}
        self._last: dict[str, tuple[float, str]] = {}

    def add(self, device: str, activity: str, start_s: float, end_s: float, *, wall_s: float) -> None:
        """Count a span [start_s, end_s) in the device's clock that ended at wall_s, in s since the epoch."""
        gap_s, before = self._gap(device, start_s)
        if 0 < gap_s <= LONGEST_GAP_S:
            self._count(device, before, wall_s - (end_s - start_s) - gap_s, gap_s)
        self._count(device, activity, wall_s - (end_s - start_s), end_s - start_s)
        self._last[device] = end_s, activity

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

    def _gap(self, device: str, start_s: float) -> tuple[float, str]:
        end_s, activity = self._last.get(device, (math.inf, ""))
        return start_s - end_s, activity

    def _count(self, device: str, activity: str, start_s: float, duration_s: float) -> None:
        days = self._days.pop(device, {})
        self._days[device] = days
        for day, seconds in by_day(start_s, start_s + duration_s, self._zone):
            held = days.setdefault(day.isoformat(), {})
            held[activity] = held.get(activity, 0.0) + seconds
        while len(days) > DAYS_KEPT:
            del days[next(iter(days))]
        self._bound()

    def _bound(self) -> None:
        while len(self._days) > self._limit:
            oldest = next(iter(self._days))
            del self._days[oldest]
            self._last.pop(oldest, None)


def _lawful(day: Day) -> Day:
    return {activity: seconds for activity, seconds in day.items() if math.isfinite(seconds) and seconds >= 0}
