"""The last hour of a device as spans of settled labels."""

from __future__ import annotations

import math
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from har_stream.ribbon import MOST_SPANS, SPAN_S, Ribbon
from har_stream.samples import Settled

HOP_S = 1.28


def filled(labels: list[str], start_s: float = 0.0) -> Ribbon:
    ribbon = Ribbon()
    for number, label in enumerate(labels):
        ribbon.add(Settled(start_s + number * HOP_S, start_s + (number + 1) * HOP_S, label))
    return ribbon


def test_one_label_again_and_again_is_one_span_and_a_gap_parts_it() -> None:
    ribbon = filled(["walking"] * 3 + ["sitting"])
    ribbon.add(Settled(20.0, 21.0, "sitting"))
    spans = [(round(span.start_s, 2), round(span.end_s, 2), span.label) for span in ribbon.since(-math.inf)]
    assert spans == [(0.0, 3.84, "walking"), (3.84, 5.12, "sitting"), (20.0, 21.0, "sitting")]


def test_a_reader_gets_what_has_grown_since() -> None:
    ribbon = filled(["walking", "sitting"])
    assert [span.label for span in ribbon.since(HOP_S)] == ["sitting"]
    assert ribbon.since(2 * HOP_S) == []


def test_a_clock_set_back_begins_anew() -> None:
    ribbon = filled(["walking"] * 5, start_s=100.0)
    ribbon.add(Settled(0.0, HOP_S, "sitting"))
    assert (ribbon.turn, [span.label for span in ribbon.since(-math.inf)]) == (1, ["sitting"])


@given(st.lists(st.sampled_from(["walking", "sitting", "standing"]), min_size=1, max_size=50), st.integers(1, 400))
def test_no_more_than_an_hour_and_a_bounded_number_of_spans_is_kept(labels: list[str], times: int) -> None:
    ribbon = filled((labels * times)[:6000])
    spans = ribbon.since(-math.inf)
    assert len(spans) <= MOST_SPANS
    assert spans[0].end_s >= spans[-1].end_s - SPAN_S
    assert all(one.end_s <= other.start_s + 1e-6 for one, other in pairwise(spans))
