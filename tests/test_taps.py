"""Taps of a real pipeline: the channels that the filters gave, of chosen devices alone."""

from __future__ import annotations

import numpy as np
import pytest

from har_stream.accounting import Accounting
from har_stream.classifier import Classifier
from har_stream.manifest import load_manifest, resolve
from har_stream.pipeline import Pipeline
from har_stream.preprocessing import filter_recording
from har_stream.samples import SampleBlock, WindowBlock
from har_stream.settings import IntakeSettings

RNG = np.random.default_rng(5)
RAW = RNG.normal([1, 0, 0, 0, 0, 0], 0.1, (400, 6)).astype(np.float32)


@pytest.fixture
def pipeline() -> Pipeline:
    folder = resolve("sway-lstm")
    manifest = load_manifest(folder)
    return Pipeline(manifest, Classifier(folder, manifest), IntakeSettings(), Accounting())


def block(device: str, first: int, last: int, late_s: float = 0.0) -> SampleBlock:
    return SampleBlock(device, first, first / 50 + late_s, 50.0, RAW[first:last])


def test_a_tap_gives_what_the_filters_give_with_the_times_of_its_samples(pipeline: Pipeline) -> None:
    pipeline.taps.wanted = frozenset({"a", "nobody"})
    for first in range(0, 400, 40):
        pipeline.push([block("a", first, first + 40), block("b", first, first + 40)], 0.0)
    told = pipeline.taps.news()
    assert {one.device for one in told} == {"a"}
    found = np.concatenate([one.channels for one in told])
    filters = load_manifest(resolve("sway-lstm")).filters
    np.testing.assert_array_equal(found, filter_recording(RAW, filters, rate_hz=50.0)[:399])
    times_s = np.concatenate([one.start_s + np.arange(len(one.channels)) / 50 for one in told])
    np.testing.assert_allclose(times_s, np.arange(399) / 50, atol=1e-9)
    assert pipeline.taps.news() == []


def test_nothing_is_kept_where_nobody_looks(pipeline: Pipeline) -> None:
    pipeline.push([block("a", 0, 200)], 0.0)
    assert pipeline.taps.news() == []


def test_windows_made_elsewhere_give_what_is_new_in_each(pipeline: Pipeline) -> None:
    pipeline.taps.wanted = frozenset({"w"})
    values = RNG.normal(0, 0.1, (2, 128, 9)).astype(np.float32)
    pipeline.push([WindowBlock("w", np.array([0.0, 1.28]), np.array([False, True]), values, 64)], 0.0)
    told = pipeline.taps.news()
    assert [(one.start_s, len(one.channels)) for one in told] == [(0.0, 128), (2.56, 64)]


def test_the_labels_are_the_same_whether_somebody_looks_or_not(pipeline: Pipeline) -> None:
    told = pipeline.push([block("a", 0, 400)], 0.0)
    pipeline.taps.wanted = frozenset({"c"})
    other = pipeline.push([block("c", 0, 400)], 0.0)
    assert [one.probabilities for one in told] == [one.probabilities for one in other]
