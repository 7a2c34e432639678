"""What a span of time was made of."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from har_stream.day_book import DayBook
from har_stream.day_report import Report, fields_of, report
from har_stream.lasting import LONGEST_GAP_S
from har_stream.segments import Segment

DAY_S = datetime(2026, 11, 24, tzinfo=UTC).timestamp()
HOUR_S = 3600.0


def segments(*parts: tuple[str, float, float]) -> list[Segment]:
    """Segments from hour to hour of the day."""
    return [Segment("watch", label, DAY_S + begin * HOUR_S, DAY_S + end * HOUR_S, 0.9) for label, begin, end in parts]


def day(*parts: tuple[str, float, float], hours: float = 24) -> Report:
    return report("watch", segments(*parts), DAY_S, DAY_S + hours * HOUR_S, zone=UTC)


def test_a_day_in_figures() -> None:
    told = day(("laying", -1, 6), ("sitting", 6, 9), ("walking", 9, 10), ("sitting", 14, 15), ("standing", 23, 25))
    assert {label: seconds / HOUR_S for label, seconds in told.seconds.items() if seconds} == {
        "walking": 1,
        "sitting": 4,
        "standing": 1,
        "laying": 6,
    }
    assert told.shares["sitting"] == pytest.approx(4 / 12)
    assert (told.data_s / HOUR_S, told.no_data_s / HOUR_S) == (12, 12)
    assert told.changes == 2
    assert told.changes_per_hour == pytest.approx(2 / 12)
    assert told.longest_sitting is not None
    assert (told.longest_sitting.start_s, told.longest_sitting.seconds) == (DAY_S + 6 * HOUR_S, 3 * HOUR_S)
    assert (told.ribbon[0].start_s, told.ribbon[-1].end_s) == (DAY_S, DAY_S + 24 * HOUR_S)


def test_a_day_without_data() -> None:
    told = day(("walking", -5, -1))
    assert (told.ribbon, told.data_s, told.no_data_s, told.longest_sitting) == ((), 0, 24 * HOUR_S, None)
    assert told.changes_per_hour == 0
    assert set(told.shares.values()) == {0.0}


def test_a_stretch_goes_on_over_a_restart_and_ends_with_a_longer_gap() -> None:
    short, long = LONGEST_GAP_S / HOUR_S, (LONGEST_GAP_S + 1) / HOUR_S
    told = day(("sitting", 1, 2), ("sitting", 2 + short, 3), ("sitting", 3 + long, 3.5))
    assert told.longest_sitting is not None
    assert told.longest_sitting.seconds == pytest.approx(2 * HOUR_S)
    assert (len(told.ribbon), told.changes) == (2, 0)
    assert told.data_s == pytest.approx(2.5 * HOUR_S - 2 * LONGEST_GAP_S - 1)


def test_time_that_two_segments_claim_is_counted_once() -> None:
    told = day(("sitting", 1, 3), ("walking", 2, 4))
    assert (told.seconds["sitting"], told.seconds["walking"]) == (2 * HOUR_S, HOUR_S)


def test_a_day_has_25_hours_where_clocks_are_changed() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    begin_s = datetime(2026, 10, 25, tzinfo=berlin).timestamp()
    told = report(
        "watch", [Segment("watch", "laying", begin_s, begin_s + 1e6, 1.0)], begin_s, begin_s + 25 * HOUR_S, zone=berlin
    )
    assert told.days == {"2026-10-25": {"laying": 25 * HOUR_S}}


def test_a_label_that_no_model_of_ours_has_is_counted_too() -> None:
    assert day(("cycling", 1, 2)).seconds["cycling"] == HOUR_S


def test_fields_are_plain() -> None:
    fields = fields_of(day(("sitting", 1, 2), ("walking", 2, 2.5), hours=4))
    assert fields["activities"]["sitting"] == {"seconds": 3600.0, "minutes": 60.0, "share": 0.667}
    assert fields["longest_sitting"] == {"start_s": DAY_S + HOUR_S, "end_s": DAY_S + 2 * HOUR_S, "seconds": 3600.0}
    assert fields["days"] == {"2026-11-24": {"sitting": 3600.0, "walking": 1800.0}}
    assert [part["label"] for part in fields["ribbon"]] == ["sitting", "walking"]
    assert (fields["data_s"], fields["no_data_s"], fields["changes"]) == (5400.0, 9000.0, 1)


@given(
    st.lists(st.tuples(st.sampled_from(["walking", "sitting"]), st.floats(0, 7200), st.floats(1, 7200)), max_size=20)
)
def test_minutes_today_and_the_report_are_one_computation(steps: list[tuple[str, float, float]]) -> None:
    at_s, parts, book = DAY_S, [], DayBook(limit=1, zone=UTC)
    for label, gap_s, seconds in steps:
        parts.append(Segment("watch", label, at_s + gap_s, at_s + gap_s + seconds, 0.9))
        at_s = parts[-1].end_s
        book.add(parts[-1])
    told = report("watch", parts, DAY_S, at_s, zone=UTC)
    assert {day: told.days[day] for day in book.snapshot().get("watch", {})} == book.snapshot().get("watch", {})
    assert told.data_s + told.no_data_s == pytest.approx(at_s - DAY_S)
