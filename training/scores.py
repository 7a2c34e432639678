"""Figures on windows: accuracy, F1, confusion, the accuracy of each volunteer."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from har_stream.activities import ACTIVITIES
from har_stream.samples import Codes

CALIBRATION_BINS: Final = 15
COVERAGES: Final = (1.0, 0.99, 0.98, 0.95, 0.9, 0.8)


def window_scores(probabilities: NDArray[np.float32], codes: Codes, subjects: NDArray[np.int16]) -> dict[str, Any]:
    """Return the figures for windows with probabilities (n, 6) and true codes (n,) 1..6, ready for JSON."""
    truth, told = codes.astype(np.int64) - 1, probabilities.argmax(axis=1)
    right = truth == told
    people = np.unique(subjects).tolist()
    per_subject = {str(person): _rounded(right[subjects == person].mean()) for person in people}
    confusion = confusion_matrix(truth, told)
    hits = np.diag(confusion)
    return {
        "accuracy": _rounded(right.mean()),
        "f1_macro": _rounded(f1_of(confusion).mean()),
        "f1_weighted": _rounded(np.average(f1_of(confusion), weights=confusion.sum(axis=1))),
        "precision_macro": _rounded((hits / np.maximum(confusion.sum(axis=0), 1)).mean()),
        "recall_macro": _rounded((hits / np.maximum(confusion.sum(axis=1), 1)).mean()),
        "ece": _rounded(calibration_error(probabilities.max(axis=1), right)),
        "worst_subject": min(per_subject.values()),
        "coverage": accuracy_by_coverage(probabilities.max(axis=1), right),
        "confusion": confusion.tolist(),
        "per_subject": per_subject,
    }


def fold_scores(
    probabilities: NDArray[np.float32], codes: Codes, subjects: NDArray[np.int16], fold_of: NDArray[np.int64]
) -> dict[str, Any]:
    """Return window_scores over all folds (fold_of (n,)), and mean and standard deviation of the folds' accuracies."""
    right = probabilities.argmax(axis=1) + 1 == codes
    by_fold = [right[fold_of == fold].mean() for fold in np.unique(fold_of)]
    return {
        **window_scores(probabilities, codes, subjects),
        "fold_mean": _rounded(np.mean(by_fold)),
        "fold_std": _rounded(np.std(by_fold)),
    }


def confusion_matrix(truth: NDArray[np.int64], told: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return counts (6, 6): a row a true activity, a column an answer."""
    counts = np.zeros((len(ACTIVITIES), len(ACTIVITIES)), np.int64)
    np.add.at(counts, (truth, told), 1)
    return counts


def f1_of(confusion: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the F1 score of each activity; 0 for one that neither occurs nor is told."""
    hits = np.diag(confusion)
    return np.asarray(2 * hits / np.maximum(confusion.sum(axis=0) + confusion.sum(axis=1), 1))


def calibration_error(confidence: NDArray[np.float32], right: NDArray[np.bool_]) -> np.floating[Any]:
    """Return the expected calibration error: how far confidence (n,) and share of right answers lie apart.

    Over bins of equal width, weighted by their counts.
    Source: Guo et al., On calibration of modern neural networks, ICML 2017.
    """
    bins = np.minimum((confidence * CALIBRATION_BINS).astype(np.int64), CALIBRATION_BINS - 1)
    gaps = [abs(np.sum(confidence[bins == one] - right[bins == one])) for one in range(CALIBRATION_BINS)]
    return np.float64(np.sum(gaps) / max(len(confidence), 1))


def accuracy_by_coverage(confidence: NDArray[np.float32], right: NDArray[np.bool_]) -> list[dict[str, float]]:
    """Return how many of the surest windows are right, and how sure (n,) the least sure of them is, by their share."""
    surest = right[np.argsort(-confidence, kind="stable")]
    least = np.sort(confidence)[::-1]
    counts = [max(1, round(share * len(right))) for share in COVERAGES]
    return [
        {"coverage": share, "accuracy": _rounded(surest[:count].mean()), "confidence": _rounded(least[count - 1])}
        for share, count in zip(COVERAGES, counts, strict=True)
    ]


def _rounded(share: np.floating[Any]) -> float:
    return round(float(share), 5)
