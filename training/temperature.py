"""The temperature of a network's softmax, so that a confidence of 0.9 is right nine times in ten.

Label smoothing and dropout leave networks less sure than they are right. Dividing the logits by one number, chosen on
people whom the network never saw, mends that and changes no answer.
Source: Guo, Pleiss, Sun, Weinberger, On calibration of modern neural networks, ICML 2017.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar

from har_stream.classifier import softmax
from har_stream.samples import Codes
from training.folds import Answers

BOUNDS: Final = (0.2, 5.0)
DECIMALS: Final = 3
LEAST: Final = 1e-12


def at_temperature(probabilities: NDArray[np.float32], temperature: float) -> NDArray[np.float32]:
    """Return what probabilities (n, outputs) become where the logits that made them are divided by a temperature."""
    logits = np.log(np.maximum(probabilities, LEAST, dtype=np.float64)) / temperature
    return softmax(logits.astype(np.float32))


def best_temperature(probabilities: NDArray[np.float32], codes: Codes) -> float:
    """Return the temperature that makes true codes (n,) most likely."""
    rows, columns = np.arange(len(codes)), codes.astype(np.int64) - 1

    def surprise(logarithm: float) -> float:
        told = at_temperature(probabilities, float(np.exp(logarithm)))[rows, columns]
        return -float(np.log(np.maximum(told, LEAST)).mean())

    found = minimize_scalar(surprise, bounds=tuple(np.log(BOUNDS)), method="bounded")
    return round(float(np.exp(found.x)), DECIMALS)


def recalibrated(answers: Sequence[Answers], codes: Sequence[Codes]) -> tuple[list[Answers], float]:
    """Return each fold's answers at the temperature that the other folds ask for, and the one that all ask for.

    codes are those of each fold's windows. One fold alone stays as it is, since no other tells of it.
    """
    if len(answers) == 1:
        return list(answers), 1.0
    told = [one.probabilities for one in answers]
    at = [_of(told[:own] + told[own + 1 :], [*codes[:own], *codes[own + 1 :]]) for own in range(len(told))]
    return [_with(one, by) for one, by in zip(answers, at, strict=True)], _of(told, codes)


def _of(told: Sequence[NDArray[np.float32]], codes: Sequence[Codes]) -> float:
    return best_temperature(np.concatenate(told), np.concatenate(codes))


def _with(one: Answers, temperature: float) -> Answers:
    judged = [replace(stream, probabilities=at_temperature(stream.probabilities, temperature)) for stream in one.judged]
    probabilities, calibrated = (at_temperature(told, temperature) for told in (one.probabilities, one.calibrated))
    return replace(one, probabilities=probabilities, calibrated=calibrated, judged=judged)
