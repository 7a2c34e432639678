"""Figures on windows: accuracy, F1, confusion, the accuracy of each volunteer."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from har_stream.activities import ACTIVITIES
from har_stream.samples import Codes


def window_scores(probabilities: NDArray[np.float32], codes: Codes, subjects: NDArray[np.int16]) -> dict[str, Any]:
    """Return the figures for windows with probabilities (n, 6) and true codes (n,) 1..6, ready for JSON."""
    truth, told = codes.astype(np.int64) - 1, probabilities.argmax(axis=1)
    right = truth == told
    people = np.unique(subjects).tolist()
    per_subject = {str(person): _rounded(right[subjects == person].mean()) for person in people}
    confusion = confusion_matrix(truth, told)
    return {
        "accuracy": _rounded(right.mean()),
        "f1_macro": _rounded(f1_of(confusion).mean()),
        "worst_subject": min(per_subject.values()),
        "confusion": confusion.tolist(),
        "per_subject": per_subject,
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


def _rounded(share: np.floating[Any]) -> float:
    return round(float(share), 5)
