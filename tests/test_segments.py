"""Settled labels as spans of wall time."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from har_stream.lasting import LONGEST_GAP_S
from har_stream.samples import Prediction, Settled
from har_stream.segments import Segment, Spans
from tests.predictions import packed, prediction

NOON_S = 1_795_500_000.0
HOP_S = 1.28


def window(label: str, end_s: float, *, wall_s: float | None = None, device: str = "watch") -> Prediction:
    """A window that ends at end_s in the device's clock, and settles a hop that ended two hops before."""
    settled = Settled(end_s - 3 * HOP_S, end_s - 2 * HOP_S, label)
    one = prediction(device, end_s, label, raw=label, settled=settled)
    return replace(one, wall_s=NOON_S + end_s if wall_s is None else wall_s)


def taken(*windows: Prediction) -> list[Segment]:
    spans = Spans(limit=8)
    return [segment for one in windows for segment in spans.take(one)]


def test_spans_join_without_gaps() -> None:
    found = taken(*[window(label, at * HOP_S) for at, label in enumerate(["walking", "walking", "sitting"], 10)])
    assert [one.label for one in found] == ["walking", "walking", "sitting"]
    assert found[0].start_s == pytest.approx(NOON_S + 7 * HOP_S, abs=1e-3)
    assert [one.end_s for one in found[:-1]] == [one.start_s for one in found[1:]]


@pytest.mark.parametrize(("gap_s", "bridged_s"), [(0.0, 0.0), (0.5, 0.5), (LONGEST_GAP_S, LONGEST_GAP_S), (10.1, 0.0)])
def test_a_short_gap_goes_on_as_what_was_before_and_a_long_one_is_no_data(gap_s: float, bridged_s: float) -> None:
    found = taken(window("walking", 20.0), window("sitting", 20.0 + HOP_S + gap_s))
    assert sum(one.seconds for one in found if one.label == "walking") == pytest.approx(HOP_S + bridged_s)
    assert sum(one.seconds for one in found if one.label == "sitting") == pytest.approx(HOP_S)


def test_arrivals_that_jitter_make_no_gap_and_no_overlap() -> None:
    found = taken(*[window("sitting", at * HOP_S, wall_s=NOON_S + at * HOP_S - 0.01 * at) for at in range(10, 20)])
    assert all(one.end_s == other.start_s for one, other in pairwise(found))


def test_a_device_that_begins_anew_overlaps_nothing() -> None:
    found = taken(window("sitting", 1000.0, wall_s=NOON_S), window("walking", 5.0, wall_s=NOON_S + 0.5))
    assert [one.label for one in found] == ["sitting", "walking"]
    assert found[1].start_s == found[0].end_s


def test_confidence_is_that_of_the_window_that_was_settled() -> None:
    shares = packed(0.7, 0.1, 0.05, 0.05, 0.05, 0.05)
    early = replace(window("walking", 10.0), settled=None, shares=shares)
    middle = replace(window("walking", 10.0 + HOP_S), settled=None)
    late = window("walking", 10.0 + 2 * HOP_S)
    assert [one.confidence for one in taken(early, middle, late)] == pytest.approx([0.7])


def test_nothing_is_made_of_a_window_that_settles_nothing() -> None:
    assert taken(replace(window("walking", 10.0), settled=None)) == []


def test_the_newest_devices_are_remembered() -> None:
    spans = Spans(limit=1)
    for device, end_s in (("a", 10.0), ("b", 10.0), ("a", 15.0)):
        found = spans.take(window("sitting", end_s, device=device))
        assert [one.device for one in found] == [device]


@given(st.lists(st.tuples(st.sampled_from(["walking", "sitting"]), st.floats(0, 30)), max_size=30))
def test_spans_stand_in_order_and_never_overlap(steps: list[tuple[str, float]]) -> None:
    at_s, windows = 10.0, []
    for label, gap_s in steps:
        at_s += HOP_S + gap_s
        windows.append(window(label, at_s))
    found = taken(*windows)
    assert all(one.end_s <= other.start_s + 1e-6 for one, other in pairwise(found))
    assert sum(one.seconds for one in found) >= HOP_S * len(steps) * 0.999
