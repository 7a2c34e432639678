"""The pipeline with the upright reference: each window turned by what the wearer walked before it."""

from __future__ import annotations

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
from har_stream.samples import Samples, WindowBlock
from har_stream.settings import IntakeSettings
from har_stream.upright import Upright
from tests.motion import block, model, motion, pipeline
from tests.test_pipeline import told_of

EAGER = UprightConstants(sure_above=0.0, least_windows=2, forget_windows=50, turned_over_deg=90.0)
"""Takes every window for walking: what is tested is where the turning happens, not who walks."""


def upright_pipeline() -> Pipeline:
    manifest, classifier = model()
    return Pipeline(msgspec.structs.replace(manifest, upright=EAGER), classifier, IntakeSettings(), Accounting())


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


@given(st.lists(st.integers(1, 899), max_size=8))
def test_turning_does_not_depend_on_cuts_nor_on_other_devices(cuts: list[int]) -> None:
    values = leaning(900)
    alone = upright_pipeline().push([block(values)], 0.0)
    stream, told = upright_pipeline(), []
    for start, stop in pairwise([0, *sorted(set(cuts)), 900]):
        other = block(motion(8, stop - start), start, "bb")
        told += [p for p in stream.push([other, block(values[start:stop], start)], 0.0) if p.device == "a"]
    assert told_of(told, "a") == told_of(alone, "a")
    ours, theirs = ([list(p.probabilities.values()) for p in many] for many in (told, alone))
    assert np.abs(np.array(ours) - np.array(theirs)).max() < 1e-5


def test_after_a_gap_the_first_window_does_not_teach_where_up_is(monkeypatch: pytest.MonkeyPatch) -> None:
    stream, paused = upright_pipeline(), []
    upright = stream._upright  # noqa: SLF001 - what it is told is the point
    assert upright is not None
    monkeypatch.setattr(upright, "pause", lambda rows: paused.append(rows.tolist()))
    stream.push([block(leaning(300)), block(leaning(300), 600)], 0.0)
    assert paused == [[0], [], [], [0], [], []]


def test_ready_made_windows_are_never_turned() -> None:
    _, classifier = model()
    windows = np.random.default_rng(1).standard_normal((9, 128, 9)).astype(np.float32)
    rows = WindowBlock("u", np.arange(9, dtype=np.float64) * 1.28, np.arange(9) > 0, windows, 64)
    told = upright_pipeline().push([rows], 0.0)
    ours = np.array([list(p.probabilities.values()) for p in told])
    assert ours == pytest.approx(classifier.probabilities(windows), abs=1e-6)
