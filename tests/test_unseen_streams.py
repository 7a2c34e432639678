"""Streams judged out of fold lie in time just as the daemon's own predictions do."""

from __future__ import annotations

import numpy as np
import pytest

from har_stream.datasets import Recording
from har_stream.manifest import Framing, Smoothing
from tests.motion import model, motion
from training import unseen_streams
from training.evaluate import replayed
from training.judged import Judged
from training.streams import stream_of
from training.unseen_streams import unseen_timelines

SAMPLES = 1500


def recording() -> Recording:
    """Thirty seconds of three activities, a transition and unlabelled time."""
    truth = np.zeros(SAMPLES, np.uint8)
    for start, stop, code in ((100, 500, 1), (600, 900, 4), (900, 1000, 8), (1000, 1400, 5)):
        truth[start:stop] = code
    return Recording("exp01_user01", 1, 1, 50.0, 0.0, motion(1, SAMPLES), truth, ())


def test_a_stream_has_the_timeline_that_the_pipeline_gives_it(monkeypatch: pytest.MonkeyPatch) -> None:
    manifest, classifier = model()
    asked: list[int] = []

    def estimate(judged: list[Judged], _prior: tuple[float, ...], _framing: Framing) -> Smoothing:
        asked.append(len(judged))
        return manifest.smoothing

    monkeypatch.setattr(unseen_streams, "estimate", estimate)
    stream = stream_of(recording(), manifest.filters, manifest.framing)
    one = Judged(classifier.probabilities(stream.values), stream.truth, stream.begins, stream.samples)
    rows_only = Judged(one.probabilities, one.truth, one.begins)
    (found,) = unseen_timelines([[one], [rows_only, rows_only]], manifest.smoothing.prior, manifest.framing)
    wanted = replayed(classifier, manifest, recording())
    for line in ("truth", "raw", "in_force", "settled", "between"):
        assert np.array_equal(getattr(found, line), getattr(wanted, line)), line
    assert found.spans == wanted.spans
    assert len(set(wanted.raw.tolist())) > 1
    assert asked == [2, 1]  # each fold's constants come from the other
