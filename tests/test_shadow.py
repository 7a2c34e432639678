"""Samples that nobody sent go a label's whole way."""

from __future__ import annotations

import json

import numpy as np
import pytest
from numpy.typing import NDArray

from har_stream.samples import SampleBlock, Samples, TimedBlock
from har_stream.settings import IntakeSettings
from har_stream.shadow import PARTS, Shadow
from tests.motion import model, motion

VALUES = motion(5, 3)


class Counting:
    """The shipped model, and how many windows it was asked about at a time."""

    def __init__(self) -> None:
        self.windows: list[int] = []

    def probabilities(self, windows: Samples) -> NDArray[np.float32]:
        self.windows.append(len(windows))
        return model()[1].probabilities(windows)


def uniform(rate_hz: float) -> SampleBlock:
    return SampleBlock("belt", 7, 1e6, rate_hz, VALUES)


def timed(rate_hz: float | None) -> TimedBlock:
    return TimedBlock("belt", 1e6 + np.arange(3) / 50, VALUES, rate_hz)


def whole(shadow: Shadow) -> list[bytes]:
    """Play all parts; return the lines of the last one, which alone has some."""
    *before, lines = [shadow.play() for _ in range(PARTS)]
    assert not any(before)
    return lines


@pytest.mark.parametrize(
    "block", [uniform(50.0), uniform(100.0), uniform(20.0), timed(None), timed(50.0), timed(400.0), timed(0.0)]
)
def test_each_time_a_window_becomes_complete_is_classified_and_told(block: SampleBlock | TimedBlock) -> None:
    classifier = Counting()
    shadow = Shadow(model()[0], classifier, IntakeSettings(), block)
    classifier.windows.clear()
    for nth in range(1, 6):
        lines = whole(shadow)
        assert len(classifier.windows) == nth
        assert len(lines) == classifier.windows[-1] >= 1
        told = json.loads(lines[-1])
        assert told["device"] == "belt"
        assert told["label"] in {*model()[0].labels, "unknown"}


def test_it_fits_what_goes_the_same_way_and_follows_its_samples() -> None:
    shadow = Shadow(model()[0], model()[1], IntakeSettings(), timed(50.0))
    assert shadow.fits(timed(50.0))
    assert not shadow.fits(timed(None))
    assert not shadow.fits(uniform(50.0))
    assert not shadow.fits(TimedBlock("other", np.zeros(3), VALUES, 50.0))
    before = whole(shadow)
    upside_down = TimedBlock("belt", np.zeros(1), -VALUES[:1], 50.0)
    shadow.follow(upside_down)
    after = [whole(shadow) for _ in range(100)][-1]
    assert json.loads(after[0])["probabilities"] != json.loads(before[0])["probabilities"]
