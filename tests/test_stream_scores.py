"""Figures on whole recordings, worked out by hand on small ones."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from har_stream.samples import Settled
from tests.predictions import prediction
from training.events import event_counts
from training.stream_scores import NOTHING, Timeline, stream_scores, timeline_of

WALK, SIT = 0, 3


def line(text: str) -> np.ndarray:
    """w walking, s sitting, . nothing; a sample a letter."""
    return np.array([{"w": WALK, "s": SIT, ".": NOTHING}[letter] for letter in text])


def counts(truth: str, told: str) -> dict[str, tuple[int, int]]:
    return {kind: count for kind, count in event_counts(line(truth), line(told), 6).items() if count[0]}


@pytest.mark.parametrize(
    ("truth", "told", "mistakes"),
    [
        ("wwwsss", "wwwsss", {}),
        ("..ww..", "w.ww..", {"insertion": (1, 1)}),
        ("..ww..", ".wwww.", {"overfill": (2, 2)}),
        ("ww..ww", "wwwwww", {"merge": (1, 2)}),
        ("wwwwww", "ww..ww", {"fragmentation": (1, 2)}),
        ("wwwwww", ".www..", {"underfill": (2, 3)}),
        ("www...", "......", {"deletion": (1, 3)}),
        ("wwwsss", "wwwwss", {"overfill": (1, 1), "underfill": (1, 1)}),
        ("wwwwww", "wwsswww"[:6], {"insertion": (1, 2), "fragmentation": (1, 2)}),
    ],
)
def test_each_kind_of_mistake_is_told_from_the_others(
    truth: str, told: str, mistakes: dict[str, tuple[int, int]]
) -> None:
    assert counts(truth, told) == mistakes


@given(st.lists(st.tuples(st.integers(-1, 5), st.integers(-1, 5)), max_size=60))
def test_every_wrong_sample_is_in_exactly_one_mistake_of_each_side(pairs: list[tuple[int, int]]) -> None:
    truth, told = np.array(pairs, np.int64).reshape(-1, 2).T
    found = event_counts(truth, told, 6)
    false_alarms = sum(found[kind][1] for kind in ("insertion", "merge", "overfill"))
    misses = sum(found[kind][1] for kind in ("deletion", "fragmentation", "underfill"))
    assert false_alarms == ((told >= 0) & (told != truth)).sum()
    assert misses == ((truth >= 0) & (told != truth)).sum()


def timeline(truth: str, in_force: str) -> Timeline:
    true = line(truth)
    edges = [0, *(np.flatnonzero(np.diff(true)) + 1).tolist(), len(true)]
    spans = tuple((a, b) for a, b in pairwise(edges) if true[a] != NOTHING)
    return Timeline(true, line(in_force), line(in_force), line(in_force), 1.0, spans, np.zeros(len(true), np.bool_))


def test_delays_run_from_a_true_change_to_the_label_that_tells_it() -> None:
    scores = stream_scores([timeline("wwwwssssswwww..ww", "wwwwwwsssssswwwww")])
    assert scores["delay_s"] == {"p50": 2.5, "p95": pytest.approx(2.95), "changes": 2, "missed": 0}


def test_a_change_that_is_never_told_is_missed() -> None:
    scores = stream_scores([timeline("wwwwssswwww", "wwwwwwwwwww")])
    assert scores["delay_s"]["missed"] == 1
    assert scores["delay_s"]["changes"] == 2


def test_false_changes_are_those_inside_an_unchanged_activity() -> None:
    truth = "w" * 50 + "s" * 50
    told = "." * 5 + "w" * 20 + "s" * 5 + "w" * 20 + "w" * 10 + "s" * 40
    scores = stream_scores([timeline(truth, told)])
    # To sitting and back while walking; the late changes to walking and to sitting are none.
    assert scores["false_changes_per_hour"] == pytest.approx(2 * 36)
    assert scores["accuracy_in_force"] == pytest.approx(0.8)
    assert scores["coverage_in_force"] == pytest.approx(0.95)


def test_labels_lie_over_the_time_that_they_speak_of() -> None:
    truth = np.ones(300, np.uint8)
    first = prediction(end_s=127 / 50, label="sitting", raw="walking")
    second = prediction(end_s=191 / 50, label="unknown", raw="sitting", settled=Settled(0.0, 1.28, "walking"))
    one = timeline_of(truth, [first, second], rate_hz=50, hop=64, start_s=0.0)
    assert one.raw[63:193].tolist() == [NOTHING] + [WALK] * 64 + [SIT] * 64 + [NOTHING]
    assert one.settled.tolist() == [WALK] * 64 + [NOTHING] * 236
    assert one.in_force[127:130].tolist() == [NOTHING, NOTHING, SIT]
    assert one.in_force[192:194].tolist() == [SIT, NOTHING]
    assert one.spans == ((0, 300),)


def test_unknown_is_right_in_transitions_and_wrong_in_activities() -> None:
    truth = np.repeat([4, 8, 5], 100).astype(np.uint8)
    told = [prediction(end_s=0.0, label="sitting"), prediction(end_s=1.5, label="unknown")]
    scores = stream_scores([timeline_of(truth, told, rate_hz=50, hop=64, start_s=0.0)])
    # Unknown from sample 77 on: all of the transition and of standing, the last 23 of sitting.
    assert scores["transitions_unknown"] == 1.0
    assert scores["coverage_in_force"] == pytest.approx(75 / 200)
    assert scores["accuracy_in_force_where_told"] == 1.0
