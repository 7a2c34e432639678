"""A stream that was interrupted and restarted, beside one that was not."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from har_stream.pipeline import Pipeline
from har_stream.samples import Prediction, WindowBlock
from har_stream.smoothing import FLOOR, LAG, NONE, transition_matrix
from har_stream.standings import LABEL, NUMBERS, RESUME_WITHIN_S, SINCE_S, Standings, decode, encode
from tests.motion import RATE_HZ, block, model, pipeline
from tests.property_examples import share_of_examples
from tests.turned_walk import simulated

HOP_S = 64 / 50
WINDOWS = 24
BEFORE_S, AFTER_S = 100.0, 103.0
"""By the clock of arrivals."""


def rows_of(first: int, last: int, device: str = "u") -> WindowBlock:
    """Ready-made windows that hold no filter's state: a few of each kind, so that labels come and go."""
    noise = np.random.default_rng(7).standard_normal((WINDOWS, 128, 9)).astype(np.float32)
    kind = np.repeat([0.02, 0.6, 0.02, 0.3], WINDOWS // 4).astype(np.float32)[:, np.newaxis, np.newaxis]
    values = noise * kind + np.array([0] * 6 + [0.9, 0.2, 0.3], np.float32)
    number = np.arange(first, last, dtype=np.float64)
    return WindowBlock(device, number * HOP_S, number > 0, values[first:last], 64)


def restarted(before: Pipeline, now_s: float = AFTER_S, heard_s: float = BEFORE_S) -> Pipeline:
    """A new pipeline that took what an old one knew, through the bytes of a file."""
    after = pipeline()
    after.resumption.offer(decode(encode(before.resumption.snapshot(now_s=heard_s, wall_s=0.0))), now_s)
    return after


def word(told: list[Prediction]) -> list[tuple[float, str, float, dict[str, float]]]:
    return [(one.end_s, one.label, one.since_s, one.probabilities) for one in told]


@share_of_examples(0.05)  # each runs whole streams
@given(st.lists(st.integers(1, WINDOWS - 1), min_size=1, max_size=4, unique=True).map(sorted))
def test_interrupted_anywhere_without_a_loss_it_says_what_it_would_have_said(cuts: list[int]) -> None:
    whole = pipeline().push([rows_of(0, WINDOWS)], BEFORE_S)
    assert len({one.label for one in whole}) > 1
    stream, told = pipeline(), []
    for first, last in zip([0, *cuts], [*cuts, WINDOWS], strict=True):
        if first:
            stream = restarted(stream)
        told += stream.push([rows_of(first, last)], AFTER_S)
        # What is settled needs the windows since: none are until there are LAG of them.
        for at in range(first, last):
            assert told[at].settled == (whole[at].settled if at >= first + LAG else None)
    assert word(told) == word(whole)


@pytest.mark.parametrize("activity", ["sitting", "walking"])
@pytest.mark.parametrize("cut", [1500, 1984])
def test_raw_samples_lose_what_waited_for_a_window_and_filters_begin_anew(activity: str, cut: int) -> None:
    values = simulated(f"{activity}:60")[:, :6]
    whole = {round(one.start_s * RATE_HZ): one for one in pipeline().push([block(values)], BEFORE_S)}
    stream = pipeline()
    last = stream.push([block(values[:cut])], BEFORE_S)[-1]
    after = restarted(stream).push([block(values[cut:], cut)], AFTER_S)
    assert [round(one.start_s * RATE_HZ) for one in after[:2]] == [cut, cut + 64]
    assert {(one.label, one.since_s) for one in after} == {(activity, last.since_s)}
    if cut % 64 == 0:  # windows that those of the whole stream can be held against
        for one in after[1:]:
            expected = whole[round(one.start_s * RATE_HZ)]
            assert one.label == expected.label
            assert list(one.probabilities.values()) == pytest.approx(list(expected.probabilities.values()), abs=0.01)


def test_without_what_was_kept_the_first_window_after_a_restart_may_say_something_else() -> None:
    values = simulated("walking:60")[:, :6]
    stream = pipeline()
    stream.push([block(values[:1984])], BEFORE_S)
    late = [block(values[1984:2200], 1984)]
    assert restarted(stream).push(late, AFTER_S)[0].label == "walking"
    assert pipeline().push(late, AFTER_S)[0].label != "walking"


def after_pause(pause_s: float, now_s: float = AFTER_S) -> tuple[Prediction, Prediction, Prediction]:
    """The last window before a restart, the first one after it, and that of a stream that begins there."""
    stream = pipeline()
    last = stream.push([rows_of(0, 6)], BEFORE_S)[-1]
    late = replace(rows_of(5, 6), start_s=np.array([last.start_s + pause_s]))
    (resumed,), (fresh,) = restarted(stream).push([late], now_s), pipeline().push([late], now_s)
    return last, resumed, fresh


def test_after_a_short_pause_the_activity_has_lasted_on() -> None:
    last, resumed, fresh = after_pause(RESUME_WITHIN_S - 0.01)
    assert resumed.label == last.label
    assert resumed.since_s == last.since_s
    assert fresh.since_s == fresh.end_s


@pytest.mark.parametrize("pause_s", [RESUME_WITHIN_S + 0.01, 0.0, -1.0, 1e6])
def test_after_a_long_one_and_with_a_clock_set_back_it_begins_anew(pause_s: float) -> None:
    _, resumed, fresh = after_pause(pause_s)
    assert word([resumed]) == word([fresh])


def test_who_comes_back_late_begins_anew_whatever_its_clock_says() -> None:
    stream = pipeline()
    last = stream.push([rows_of(0, 6)], BEFORE_S)[-1]
    for waited_s, since_s in ((RESUME_WITHIN_S, last.since_s), (RESUME_WITHIN_S + 1, last.end_s + HOP_S)):
        (told,) = restarted(stream, AFTER_S).push([rows_of(6, 7)], AFTER_S + waited_s)
        assert told.since_s == pytest.approx(since_s)


def test_each_of_several_devices_goes_on_whenever_its_first_window_comes() -> None:
    stream = pipeline()
    last = {one.device: one for one in stream.push([rows_of(0, 6, "u"), rows_of(0, 6, "v")], BEFORE_S)}
    after = restarted(stream)
    waiting = replace(rows_of(6, 7, "v"), values=rows_of(6, 7).values * np.nan)  # has a place, and no window yet
    told = after.push([rows_of(6, 7, "u"), waiting], AFTER_S) + after.push([rows_of(7, 8, "v")], AFTER_S)
    assert [(one.device, one.since_s) for one in told] == [(name, last[name].since_s) for name in "uv"]
    assert all(one.since_s < one.end_s for one in told)


def test_another_label_is_in_force_from_its_first_window_on() -> None:
    stream = pipeline()
    kept = stream
    stream.push([rows_of(0, 6)], BEFORE_S)
    told = restarted(kept).push([replace(rows_of(8, 12), start_s=np.arange(6.0, 10.0) * HOP_S)], AFTER_S)
    changed = next(one for one in told if one.since_s > 6 * HOP_S)
    assert changed.since_s == changed.end_s


@pytest.mark.parametrize("hops", [1, 2, 9, 23])
def test_belief_ages_hop_by_hop(hops: int) -> None:
    stream = pipeline()
    last = stream.push([rows_of(0, 6)], BEFORE_S)[-1]
    after = restarted(stream)
    block = replace(rows_of(5, 6), start_s=np.array([last.start_s + (hops + 0.2) * HOP_S]))
    after.push([block], AFTER_S)
    before, told, (manifest, classifier) = believed(stream), believed(after), model()
    aged = before @ np.linalg.matrix_power(transition_matrix(manifest.smoothing, hop_s=HOP_S), hops)
    weight = manifest.smoothing.evidence * manifest.framing.hop / manifest.framing.window
    shares = np.maximum(classifier.probabilities(block.values).astype(np.float64), FLOOR)
    expected = aged * (shares / manifest.smoothing.prior) ** weight
    assert told == pytest.approx(expected / expected.sum(), abs=1e-12)


def believed(stream: Pipeline) -> NDArray[np.float64]:
    """What the smoother of a stream believes of its one device."""
    return stream._labelling._smoother.belief(np.zeros(1, np.intp))  # noqa: SLF001 - what it believes is the point


def test_who_takes_the_place_of_another_has_nothing_settled_too_early() -> None:
    stream = pipeline()
    stream.push([rows_of(0, 6)], BEFORE_S)
    kept = stream.resumption.snapshot(now_s=BEFORE_S, wall_s=0.0)
    after = pipeline(max_devices=1, idle_s=1.0)
    after.resumption.offer(kept, AFTER_S)
    after.push([rows_of(0, 6, "v")], AFTER_S)
    told = after.push([rows_of(6, 10)], AFTER_S + 2)
    assert told[0].since_s < told[0].end_s, "it has gone on"
    assert [one.settled is None for one in told] == [True, True, False, False]


def test_only_those_are_kept_that_had_a_window() -> None:
    stream = pipeline()
    stream.push([rows_of(0, 3), block(np.zeros((50, 6), np.float32), device="new")], 90.0)
    stream.push([rows_of(0, 3, "later")], 97.0)
    kept = stream.resumption.snapshot(now_s=100.0, wall_s=5000.0)
    assert kept.devices == ("u", "later")
    assert kept.numbers[:, 0].tolist() == [4990.0, 4997.0]
    assert pipeline().resumption.snapshot(now_s=0.0, wall_s=0.0).devices == ()


def test_a_place_that_another_device_had_resumes_nothing_of_it() -> None:
    stream = pipeline(max_devices=1, idle_s=1.0)
    stream.push([rows_of(0, 6)], 0.0)
    (told,) = stream.push([rows_of(6, 7, "v")], 10.0)
    (fresh,) = pipeline().push([rows_of(6, 7, "v")], 10.0)
    assert word([told]) == word([fresh])


def unlawful(kept: Standings, column: int, value: float) -> Standings:
    numbers = kept.numbers.copy()
    numbers[:, column] = value
    return replace(kept, numbers=numbers)


@pytest.mark.parametrize(
    ("column", "value"),
    [
        (SINCE_S, np.nan),
        (LABEL, 6.0),
        (LABEL, NONE - 1),
        (LABEL, 0.5),
        (NUMBERS, np.inf),
        (NUMBERS, -0.5),
        (NUMBERS, 2.0),
    ],
)
def test_numbers_that_cannot_be_are_not_believed(column: int, value: float) -> None:
    stream = pipeline()
    stream.push([rows_of(0, 6)], BEFORE_S)
    kept = stream.resumption.snapshot(now_s=BEFORE_S, wall_s=0.0)
    for offered in (unlawful(kept, column, value), replace(kept, outputs=("other", *kept.outputs[1:]))):
        after = pipeline()
        after.resumption.offer(offered, AFTER_S)
        assert word(after.push([rows_of(6, 7)], AFTER_S)) == word(pipeline().push([rows_of(6, 7)], AFTER_S))
