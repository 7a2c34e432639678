"""What every face of a report says: its title, its figures in words, and the times along its ribbon."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from typing import Final

from har_stream.activities import ACTIVITIES
from har_stream.day_book import local_date, midnight_s
from har_stream.day_report import HOUR_S, MINUTE_S, Report

COLOURS: Final = {
    "walking": "#009e73",
    "walking_upstairs": "#56b4e9",
    "walking_downstairs": "#0072b2",
    "sitting": "#e69f00",
    "standing": "#cc79a7",
    "laying": "#8c6bb1",
}
"""Told apart on light, on dark, and without seeing all colours. Source: Okabe and Ito, Color universal design."""
OTHER_COLOUR: Final = "#888888"
MOST_TICKS: Final = 12
TICK_STEPS_H: Final = (1, 2, 3, 6, 12, 24, 48, 168)
SHORT_STEP_S: Final = 600.0
"""Between times along the ribbon of a span that is shorter than two hours."""
SHORT_SPAN_H: Final = 2


@dataclass(frozen=True, slots=True)
class Line:
    """An activity's line: its label as people say it, how long, and its share of the time with data."""

    label: str
    spoken: str
    seconds: float
    share: float


def spoken(label: str) -> str:
    """Return a label as people say it: walking upstairs."""
    return label.replace("_", " ")


def duration(seconds: float) -> str:
    """Return a duration as 3 h 05 min, or 12 min 30 s where it is shorter than an hour."""
    minutes, rest = divmod(round(seconds), int(MINUTE_S))
    hours, minutes = divmod(minutes, int(HOUR_S / MINUTE_S))
    return f"{hours} h {minutes:02d} min" if hours else f"{minutes} min {rest:02d} s"


def title(report: Report, zone: tzinfo | None = None) -> str:
    """Return whom and when a report is about."""
    begin, end = (datetime.fromtimestamp(seconds, zone) for seconds in (report.start_s, report.end_s))
    day = local_date(report.start_s, zone)
    if report.start_s == midnight_s(day, zone) and report.end_s <= midnight_s(day + timedelta(days=1), zone):
        whole = report.end_s == midnight_s(day + timedelta(days=1), zone)
        return f"{report.device} on {begin:%A, %Y-%m-%d}" + ("" if whole else f", until {end:%H:%M}")
    return f"{report.device} from {begin:%Y-%m-%d %H:%M} to {end:%Y-%m-%d %H:%M}"


def lines(report: Report) -> list[Line]:
    """Return the activities, the longest first."""
    shares = report.shares
    found = [Line(label, spoken(label), seconds, shares[label]) for label, seconds in report.seconds.items()]
    return sorted(found, key=lambda line: -line.seconds)


def facts(report: Report, zone: tzinfo | None = None) -> list[tuple[str, str]]:
    """Return the other figures, each with its name."""
    sitting = "none"
    if (longest := report.longest_sitting) is not None:
        begin, end = (datetime.fromtimestamp(seconds, zone) for seconds in (longest.start_s, longest.end_s))
        sitting = f"{duration(longest.seconds)}, {begin:%H:%M} to {end:%H:%M}"
    return [
        ("longest sitting", sitting),
        ("changes", f"{report.changes}, {report.changes_per_hour:.1f} an hour"),
        ("with data", duration(report.data_s)),
        ("without data", duration(report.no_data_s)),
    ]


def ticks(report: Report, zone: tzinfo | None = None) -> Iterator[tuple[float, str]]:
    """Yield times to be written along the ribbon, in s since the epoch, with their words."""
    hours = (report.end_s - report.start_s) / HOUR_S
    step_h = next((step for step in TICK_STEPS_H if hours / step <= MOST_TICKS), TICK_STEPS_H[-1])
    step_s = SHORT_STEP_S if hours < SHORT_SPAN_H else step_h * HOUR_S
    shape = "%H:%M" if step_s < 24 * HOUR_S else "%m-%d"
    at_s = midnight_s(local_date(report.start_s, zone), zone)
    while at_s <= report.end_s:
        if at_s >= report.start_s:
            yield at_s, f"{datetime.fromtimestamp(at_s, zone):{shape}}"
        at_s += step_s


def colour(label: str) -> str:
    """Return an activity's colour."""
    return COLOURS.get(label, OTHER_COLOUR)


def legend(report: Report) -> list[str]:
    """Return the labels that a ribbon shows: those known first."""
    shown = {part.label for part in report.ribbon}
    return [label for label in (*ACTIVITIES, *sorted(shown.difference(ACTIVITIES))) if label in shown]
