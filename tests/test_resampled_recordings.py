"""Recordings at other rates than they were taken at get the labels of the original."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pytest
from scipy.interpolate import CubicSpline

from har_stream.accounting import Accounting
from har_stream.classifier import Classifier
from har_stream.datasets import Hapt, Recording, Selection, open_data_set
from har_stream.manifest import load_manifest, resolve
from har_stream.pipeline import Pipeline
from har_stream.samples import Prediction, SampleBlock, TimedBlock
from har_stream.settings import IntakeSettings

EPOCH_S = 1.7e9
JITTER = 0.1
"""Of an interval."""


def labels(blocks: Iterable[SampleBlock | TimedBlock]) -> list[Prediction]:
    folder = resolve("sway-lstm")
    manifest = load_manifest(folder)
    pipeline = Pipeline(manifest, Classifier(folder, manifest), IntakeSettings(), Accounting())
    return [prediction for block in blocks for prediction in pipeline.push([block], 0.0)]


def sampled(recording: Recording, hz: float) -> TimedBlock:
    """A recording as a device of another rate would have taken it, with a tenth of an interval of jitter."""
    recorded_s = np.arange(len(recording.values)) / recording.rate_hz
    samples = int(recorded_s[-1] * hz)
    moved = np.random.default_rng(1).uniform(-JITTER, JITTER, samples)
    times_s = np.unique(np.clip((np.arange(samples) + moved) / hz, 0, recorded_s[-1]))
    values = CubicSpline(recorded_s, recording.values)(times_s).astype(np.float32)
    return TimedBlock(recording.device, EPOCH_S + times_s, values)


@pytest.mark.parametrize("hz", [26.0, 44.1, 52.0, 100.0, 104.0, 200.0])
def test_recordings_at_other_rates_get_the_labels_of_the_original(hapt_zip: Path, hz: float) -> None:
    data_set = open_data_set(hapt_zip)
    assert isinstance(data_set, Hapt)
    same = windows = 0
    for recording in data_set.recordings(Selection("train", frozenset([5, 19]))):
        original = labels([SampleBlock("a", 0, 0.0, recording.rate_hz, recording.values)])
        resampled = labels([sampled(recording, hz)])
        pairs = list(zip(original, resampled, strict=False))
        assert len(pairs) >= len(original) - 1
        same += sum(one.label == other.label for one, other in pairs)
        windows += len(pairs)
    assert same / windows >= 0.98
