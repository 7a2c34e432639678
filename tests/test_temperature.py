"""The temperature: found where it is known, chosen by other folds, and no answer changed by it."""

from __future__ import annotations

import numpy as np
import pytest

from har_stream.classifier import softmax
from har_stream.samples import Codes
from training.curves import Curve
from training.folds import Answers
from training.judged import Judged
from training.temperature import at_temperature, best_temperature, recalibrated

CURVE = Curve([], [])


def told_at(temperature: float, seed: int) -> tuple[np.ndarray, Codes]:
    """Probabilities of logits that ought to be divided by a temperature, and codes drawn by what is then right."""
    generator = np.random.default_rng(seed)
    logits = (2 * generator.standard_normal((4000, 6))).astype(np.float32)
    drawn = softmax(logits).cumsum(axis=1) > generator.random((4000, 1))
    return softmax(logits * np.float32(temperature)), (drawn.argmax(axis=1) + 1).astype(np.uint8)


def answers_of(probabilities: np.ndarray) -> Answers:
    begins = np.zeros(len(probabilities), np.bool_)
    return Answers(probabilities, probabilities, [Judged(probabilities, np.zeros(0, np.uint8), begins)], CURVE)


def test_probabilities_at_a_temperature_are_those_of_divided_logits() -> None:
    logits = np.random.default_rng(1).standard_normal((9, 12)).astype(np.float32)
    assert np.allclose(at_temperature(softmax(logits), 0.6), softmax(logits / np.float32(0.6)), atol=1e-6)
    assert np.isfinite(at_temperature(np.eye(6, dtype=np.float32), 0.2)).all()


@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.0])
def test_the_temperature_that_was_put_in_is_found(temperature: float) -> None:
    assert best_temperature(*told_at(temperature, 2)) == pytest.approx(temperature, rel=0.07)


def test_each_fold_gets_what_the_others_ask_for() -> None:
    told, codes = zip(told_at(0.5, 3), told_at(2.0, 4), strict=True)
    mended, of_all = recalibrated([answers_of(one) for one in told], codes)
    for own, other in ((0, 1), (1, 0)):
        wanted = at_temperature(told[own], best_temperature(told[other], codes[other]))
        assert np.array_equal(mended[own].probabilities, wanted)
        assert np.array_equal(mended[own].calibrated, wanted)
        assert np.array_equal(mended[own].judged[0].probabilities, wanted)
        assert np.array_equal(wanted.argmax(axis=1), told[own].argmax(axis=1))
    assert 0.5 < of_all < 2.0


def test_one_fold_alone_stays_as_it_is() -> None:
    told, codes = told_at(0.5, 5)
    mended, of_all = recalibrated([answers_of(told)], [codes])
    assert of_all == 1.0
    assert mended[0].probabilities is told
