"""The pipeline with the upright reference: each window turned by what the wearer walked before it."""

from __future__ import annotations

from functools import cache
from itertools import pairwise

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from har_stream.accounting import Accounting
from har_stream.manifest import UprightConstants
from har_stream.pipeline import Pipeline
from har_stream.preprocessing import filter_recording
from har_stream.samples import Prediction, Samples, WindowBlock
from har_stream.settings import IntakeSettings
from har_stream.state import DeviceState
from har_stream.upright import Upright, UprightState
from tests.motion import block, model, motion, pipeline
from tests.test_pipeline import told_of

EAGER = UprightConstants(sure_above=0.0, least_windows=2, forget_windows=50, turned_over_deg=90.0)
"""Takes every window for walking: what is tested is where the turning happens, not who walks."""


def upright_pipeline(settings: IntakeSettings | None = None) -> Pipeline:
    manifest, classifier = model()
    manifest = msgspec.structs.replace(manifest, upright=EAGER)
    return Pipeline(manifest, classifier, settings or IntakeSettings(), Accounting())


def leaning(samples: int) -> Samples:
    """Motion under a gravity that is 45 degrees off upright."""
    values = motion(3, samples)
    values[:, 1] += 1.0
    return values


def test_once_walking_is_known_windows_are_turned_upright_before_they_are_classified() -> None:
    values = leaning(900)
    told = upright_pipeline().push([block(values)], 0.0)
    as_they_came = pipeline().push([block(values)], 0.0)
    # The first window only says that the next one teaches, and two must have taught.
    assert [p.probabilities for p in told[:3]] == [p.probabilities for p in as_they_came[:3]]
    manifest, classifier = model()
    channels = filter_recording(values, manifest.filters, rate_hz=50.0)
    windows = np.stack([channels[start : start + 128] for start in range(0, 769, 64)])
    up = Upright(EAGER, rows=1)
    row = np.zeros(1, np.intp)
    for number, prediction in enumerate(told):
        window = windows[number : number + 1]
        (expected,) = classifier.probabilities(up.turn(row, window))
        assert list(prediction.probabilities.values()) == pytest.approx(expected.tolist(), abs=1e-5)
        up.learn(row, window, np.ones(1, np.float32))


@cache
def told_alone() -> tuple[Prediction, ...]:
    """What is told of 600 leaning samples in one block."""
    return tuple(upright_pipeline().push([block(leaning(600))], 0.0))


@given(st.lists(st.integers(1, 599), max_size=6))
def test_turning_does_not_depend_on_cuts_nor_on_other_devices(cuts: list[int]) -> None:
    values, alone = leaning(600), list(told_alone())
    stream, told = upright_pipeline(), []
    for start, stop in pairwise([0, *sorted(set(cuts)), 600]):
        other = block(motion(8, stop - start), start, "bb")
        told += [p for p in stream.push([other, block(values[start:stop], start)], 0.0) if p.device == "a"]
    assert told_of(told, "a") == told_of(alone, "a")
    ours, theirs = ([list(p.probabilities.values()) for p in many] for many in (told, alone))
    assert np.abs(np.array(ours) - np.array(theirs)).max() < 1e-5


def test_after_a_gap_the_first_window_does_not_teach_where_up_is(monkeypatch: pytest.MonkeyPatch) -> None:
    stream, told = upright_pipeline(), []
    upright = stream._upright  # noqa: SLF001 - what it is told is the point
    assert upright is not None
    monkeypatch.setattr(upright, "pause", lambda rows: told.append(("pause", rows.tolist())))
    monkeypatch.setattr(upright, "learn", lambda rows, *_: told.append(("learn", rows.tolist())))
    stream.push([block(leaning(300)), block(leaning(300), 600)], 0.0)
    assert told == [("pause", [0]), *[("learn", [0])] * 3] * 2


def test_ready_made_windows_are_never_turned() -> None:
    _, classifier = model()
    windows = np.random.default_rng(1).standard_normal((9, 128, 9)).astype(np.float32)
    rows = WindowBlock("u", np.arange(9, dtype=np.float64) * 1.28, np.arange(9) > 0, windows, 64)
    told = upright_pipeline().push([rows], 0.0)
    ours = np.array([list(p.probabilities.values()) for p in told])
    assert ours == pytest.approx(classifier.probabilities(windows), abs=1e-6)


SIDEWAYS = DeviceState(UprightState((0.0, 1.0, 0.0), 50))


FIRST = 129
"""Samples that complete the first window: the median looks one ahead."""


def first_of(stream: Pipeline, device: str, start: int = 0) -> list[float]:
    """The probabilities of a device's first window."""
    (prediction,) = stream.push([block(motion(3, FIRST), start, device)], 0.0)
    return list(prediction.probabilities.values())


def second_of(stream: Pipeline) -> list[float]:
    """The probabilities of the window that follows device a's first."""
    (prediction,) = stream.push([block(motion(4, 64), FIRST, "a")], 0.0)
    return list(prediction.probabilities.values())


def test_what_was_kept_turns_a_devices_first_window_and_no_other_devices() -> None:
    stream = upright_pipeline()
    stream.references.restore({"a": SIDEWAYS})
    assert first_of(stream, "a") != first_of(upright_pipeline(), "a")
    assert first_of(stream, "b") == first_of(upright_pipeline(), "b")


def test_what_others_found_of_a_device_holds_from_its_next_window_on() -> None:
    stream, other = upright_pipeline(), upright_pipeline()
    for one in (stream, other):
        first_of(one, "a")
    stream.references.restore({"a": SIDEWAYS})
    assert second_of(stream) != second_of(other)
    assert stream.references.snapshot() == {"a": SIDEWAYS}


def test_a_device_that_gave_way_is_remembered_when_it_comes_back() -> None:
    stream, told = upright_pipeline(IntakeSettings(max_devices=1, idle_s=1.0)), upright_pipeline()
    for one in (stream, told):
        one.push([block(leaning(900), 0, "a")], 0.0)
    left = told.references.snapshot()
    assert set(left) == {"a"}
    stream.push([block(motion(3, 20), 0, "b")], 2.0)
    assert stream.references.snapshot() == left
    (again,) = stream.push([block(motion(3, FIRST), 5000, "a")], 4.0)
    restored = upright_pipeline()
    restored.references.restore(left)
    assert list(again.probabilities.values()) == first_of(restored, "a")


def test_of_more_devices_than_there_is_room_for_the_longest_idle_is_forgotten() -> None:
    stream = upright_pipeline(IntakeSettings(max_devices=2, idle_s=1.0))
    for number, device in enumerate("abc"):
        stream.push([block(leaning(900), 0, device)], 2.0 * number)
    assert list(stream.references.snapshot()) == ["b", "c"]


def test_a_model_that_turns_nothing_loses_nothing() -> None:
    stream = pipeline()
    stream.references.restore({"a": SIDEWAYS})
    assert first_of(stream, "a") == first_of(pipeline(), "a")
    assert stream.references.snapshot() == {"a": SIDEWAYS}


def test_a_gap_leaves_the_reference_as_it_is() -> None:
    stream, restored = upright_pipeline(), upright_pipeline()
    stream.push([block(leaning(900))], 0.0)
    restored.references.restore(stream.references.snapshot())
    assert first_of(stream, "a", 5000) == first_of(restored, "a", 5000) != first_of(upright_pipeline(), "a", 5000)


def test_what_the_last_windows_taught_is_known_at_once_and_once_their_labels_are_out() -> None:
    asked, told, kept = upright_pipeline(), upright_pipeline(), upright_pipeline()
    for stream in (asked, told, kept):
        stream.push([block(leaning(900))], 0.0)
    told.news()
    (state,) = kept.references.snapshot().values()
    assert state.upright is not None
    assert state.upright.windows == 12, "the first of 13 only says that the next one teaches"
    for stream in (asked, told):
        known = stream.references.of("a")
        assert known is not None
        assert known.tolist() == list(state.upright.gravity)


def test_what_labels_do_not_need_waits_until_they_are_out() -> None:
    stream = upright_pipeline()
    upright, smoother = stream._upright, stream._labelling._smoother  # noqa: SLF001 - nothing else tells when it is done
    assert upright is not None
    assert stream.push([block(leaning(300))], 0.0)
    assert upright._unlearned is not None  # noqa: SLF001 - as above
    assert smoother._deferred is not None  # noqa: SLF001 - as above
    stream.news()
    assert upright._unlearned is None  # noqa: SLF001 - as above
    assert smoother._deferred is None  # noqa: SLF001 - as above
