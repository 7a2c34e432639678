"""What a span of time was made of: the one computation behind every report. No I/O, no clock.

segments of one device -> report() -> terminal, page, picture, JSON
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import tzinfo
from itertools import pairwise
from typing import Any, Final

from har_stream.activities import ACTIVITIES
from har_stream.day_book import Days, count_seconds
from har_stream.lasting import LONGEST_GAP_S
from har_stream.segments import Segment

SITTING: Final = "sitting"
HOUR_S: Final = 3600.0
MINUTE_S: Final = 60.0
DECIMALS: Final = 3


@dataclass(frozen=True, slots=True)
class Report:
    """A device in [start_s, end_s), in s since the epoch.

    ribbon holds its segments in order, cut to that span; neighbours of one label are joined over short gaps. days has
    the seconds of each activity by local day; changes is how often one followed another without a long gap.
    """

    device: str
    start_s: float
    end_s: float
    ribbon: tuple[Segment, ...]
    days: Days
    longest_sitting: Segment | None
    changes: int

    @property
    def seconds(self) -> dict[str, float]:
        """Return the seconds of each activity; the known ones first, in their order."""
        found: dict[str, float] = dict.fromkeys(ACTIVITIES, 0.0)
        for day in self.days.values():
            for label, seconds in day.items():
                found[label] = found.get(label, 0.0) + seconds
        return found

    @property
    def data_s(self) -> float:
        """Return for how long there is data."""
        return sum(self.seconds.values())

    @property
    def no_data_s(self) -> float:
        """Return for how long there is none."""
        return max(0.0, self.end_s - self.start_s - self.data_s)

    @property
    def shares(self) -> dict[str, float]:
        """Return each activity's share of the time with data."""
        data_s = self.data_s
        return {label: seconds / data_s if data_s else 0.0 for label, seconds in self.seconds.items()}

    @property
    def changes_per_hour(self) -> float:
        """Return how often the activity changed in an hour with data."""
        return self.changes / (self.data_s / HOUR_S) if self.data_s else 0.0


def report(
    device: str, segments: Iterable[Segment], start_s: float, end_s: float, *, zone: tzinfo | None = None
) -> Report:
    """Return the report of a device's segments, in order of their starts; what lies outside [start_s, end_s) is cut."""
    parts = _cut(segments, start_s, end_s)
    ribbon = _joined(parts)
    days: Days = {}
    for part in parts:
        count_seconds(days, part, zone)
    sitting = [part for part in ribbon if part.label == SITTING]
    changes = sum(1 for one, other in pairwise(ribbon) if other.start_s - one.end_s <= LONGEST_GAP_S)
    longest = max(sitting, key=lambda part: part.seconds, default=None)
    return Report(device, start_s, end_s, tuple(ribbon), days, longest, changes)


def _cut(segments: Iterable[Segment], start_s: float, end_s: float) -> list[Segment]:
    """Cut segments to a span; of two that overlap, as where the system's clock was set back, the first has the time."""
    parts: list[Segment] = []
    for segment in segments:
        begin_s, until_s = max(segment.start_s, start_s), min(segment.end_s, end_s)
        if begin_s < until_s:
            parts.append(replace(segment, start_s=begin_s, end_s=until_s))
            start_s = until_s
    return parts


def _joined(parts: list[Segment]) -> list[Segment]:
    """Join neighbours of one label over short gaps."""
    joined: list[Segment] = []
    for part in parts:
        before = joined[-1] if joined else None
        if before is not None and before.label == part.label and part.start_s - before.end_s <= LONGEST_GAP_S:
            joined[-1] = extended(before, part)
        else:
            joined.append(part)
    return joined


def extended(before: Segment, part: Segment) -> Segment:
    """Return a segment that goes on to the end of another; the confidence is the mean over the time of both."""
    weight_s = before.seconds + part.seconds
    confidence = (before.confidence * before.seconds + part.confidence * part.seconds) / weight_s if weight_s else 0.0
    return replace(before, end_s=part.end_s, confidence=confidence)


def fields_of(one: Report) -> dict[str, Any]:
    """Return a report's JSON fields, as openapi.json documents them: times in s since the epoch."""
    sitting = one.longest_sitting
    return {
        "device": one.device,
        "start_s": one.start_s,
        "end_s": one.end_s,
        "data_s": _rounded(one.data_s),
        "no_data_s": _rounded(one.no_data_s),
        "activities": {
            label: {
                "seconds": _rounded(seconds),
                "minutes": _rounded(seconds / MINUTE_S),
                "share": _rounded(one.shares[label]),
            }
            for label, seconds in one.seconds.items()
        },
        "days": {
            day: {label: _rounded(seconds) for label, seconds in held.items()} for day, held in sorted(one.days.items())
        },
        "longest_sitting": sitting and stretch(sitting),
        "changes": one.changes,
        "changes_per_hour": _rounded(one.changes_per_hour),
        "ribbon": [{"label": part.label, **stretch(part)} for part in one.ribbon],
    }


def stretch(segment: Segment) -> dict[str, float]:
    """Return from when to when a segment was, and for how long."""
    return {
        "start_s": _rounded(segment.start_s),
        "end_s": _rounded(segment.end_s),
        "seconds": _rounded(segment.seconds),
    }


def _rounded(value: float) -> float:
    return round(value, DECIMALS)
