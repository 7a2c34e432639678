"""Constants of the smoother from whole recordings: counted in samples, chosen by what a subscriber gets."""

from __future__ import annotations

import numpy as np
import pytest

from har_stream.activities import CODE_BY_NAME
from har_stream.manifest import Smoothing
from training import smoothing_constants
from training.chain import UCI_HAR_FRAMING
from training.judged import Judged, timelines_of
from training.smoothing_constants import estimate
from training.stream_scores import false_changes

FRAMING = UCI_HAR_FRAMING
SITTING, STANDING = CODE_BY_NAME["sitting"], CODE_BY_NAME["standing"]
STAND_TO_SIT, SIT_TO_STAND = CODE_BY_NAME["stand_to_sit"], CODE_BY_NAME["sit_to_stand"]
ROUND = ((STANDING, 1000), (STAND_TO_SIT, 150), (SITTING, 800), (SIT_TO_STAND, 100))
PRIOR = (0.02,) * 3 + (0.38, 0.44, 0.02) + (0.02,) * 6


def recording(seed: int, right: float) -> Judged:
    """Five rounds of standing and sitting; a share of the windows gets its own state, the others any."""
    generator = np.random.default_rng(seed)
    samples = np.concatenate([np.full(count, code, np.uint8) for code, count in ROUND * 5])
    ends = np.arange(FRAMING.window, len(samples) + 1, FRAMING.hop)
    truth = samples[ends - FRAMING.hop // 2]
    told = np.where(generator.random(len(ends)) < right, truth, generator.integers(1, 13, len(ends)))
    probabilities = (0.7 * np.eye(12)[told - 1] + 0.3 / 12).astype(np.float32)
    return Judged(probabilities, truth, np.arange(len(ends)) == 0, samples)


def false_changes_of(streams: list[Judged], constants: Smoothing) -> int:
    return sum(map(false_changes, timelines_of(streams, constants, FRAMING)))


def test_dwell_times_and_changes_are_counted_in_samples() -> None:
    constants = estimate([recording(1, 0.9)], PRIOR, FRAMING)
    dwell_s = {code: constants.dwell_s[code - 1] for code, _ in ROUND}
    assert dwell_s == {STANDING: 20.0, STAND_TO_SIT: 3.0, SITTING: 16.0, SIT_TO_STAND: 2.0}
    jump = np.array(constants.jump)
    assert jump.shape == (12, 12)
    assert jump.sum(axis=1) == pytest.approx(1, abs=1e-3)
    # Five changes, and half a one to each of the eleven others.
    assert jump[STANDING - 1, STAND_TO_SIT - 1] == pytest.approx(5.5 / 10.5, abs=1e-3)
    assert jump[SITTING - 1, STANDING - 1] == pytest.approx(0.5 / 10.5, abs=1e-3)


def test_the_dearer_a_false_change_the_fewer(monkeypatch: pytest.MonkeyPatch) -> None:
    streams = [recording(seed, 0.7) for seed in range(4)]
    counts = []
    for cost_s in (0.0, 100.0):
        monkeypatch.setattr(smoothing_constants, "FALSE_CHANGE_S", cost_s)
        counts.append(false_changes_of(streams, estimate(streams, PRIOR, FRAMING)))
    assert counts[0] > counts[1]


def test_constants_that_are_chosen_are_no_worse_than_others() -> None:
    streams = [recording(seed, 0.8) for seed in range(4)]
    chosen = estimate(streams, PRIOR, FRAMING)
    merit = smoothing_constants._merit_in_time  # noqa: SLF001 - what the choice is by
    reached = merit(timelines_of(streams, chosen, FRAMING))
    for evidence in (0.3, 1.0, 2.5):
        other = Smoothing(chosen.dwell_s, chosen.jump, PRIOR, evidence, chosen.unknown_below)
        assert merit(timelines_of(streams, other, FRAMING)) <= reached + 1e-9
