"""Figures on windows, worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from training.scores import COVERAGES, accuracy_by_coverage, calibration_error, fold_scores


def test_accuracy_grows_as_the_least_sure_are_left_out() -> None:
    confidence = np.linspace(0.5, 0.995, 100, dtype=np.float32)
    right = confidence > np.float32(0.549)  # the ten least sure are wrong
    found = {one["coverage"]: one for one in accuracy_by_coverage(confidence, right)}
    assert tuple(found) == COVERAGES
    assert found[1.0] == {"coverage": 1.0, "accuracy": 0.9, "confidence": pytest.approx(0.5)}
    assert found[0.95]["accuracy"] == pytest.approx(90 / 95, abs=1e-5)
    assert found[0.9]["accuracy"] == 1.0
    assert found[0.8]["confidence"] == pytest.approx(0.6, abs=1e-4)


def test_calibration_error_is_the_gap_between_confidence_and_share_right() -> None:
    confidence = np.array([0.9] * 10 + [0.6] * 10, np.float32)
    right = np.array([True] * 9 + [False] + [True] * 3 + [False] * 7)
    assert calibration_error(confidence, right) == pytest.approx(0.15)


def test_folds_are_told_apart() -> None:
    probabilities = np.eye(6, dtype=np.float32)[[0, 1, 2, 2]]
    codes, subjects = np.array([1, 2, 3, 4], np.uint8), np.array([1, 1, 2, 2], np.int16)
    scores = fold_scores(probabilities, codes, subjects, np.array([0, 0, 1, 1]))
    assert (scores["accuracy"], scores["worst_subject"]) == (0.75, 0.5)
    assert (scores["fold_mean"], scores["fold_std"]) == (0.75, 0.25)
