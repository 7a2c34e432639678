"""How long things take, as counts in buckets: a few additions for a whole batch, whatever its size.

What is timed reads no clock itself: the classifier is timed from outside, and a label's way from the arrival of its
samples until a sink has it by whoever hands it over. No result depends on either.
"""

from __future__ import annotations

import time
from bisect import bisect_left
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from har_stream.classifier import Classifying
from har_stream.samples import Samples

INFERENCE_BOUNDS_S: Final = (1e-4, 2.5e-4, 5e-4, 1e-3, 2.5e-3, 5e-3, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0)
END_TO_END_BOUNDS_S: Final = (1e-3, 2.5e-3, 5e-3, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)


@dataclass(frozen=True, slots=True)
class Distribution:
    """Durations in s: counts (b + 1) of those up to each of bounds_s (b) and above the one before; then longer ones."""

    bounds_s: tuple[float, ...]
    counts: tuple[int, ...]
    sum_s: float


class Histogram:
    """Counts durations. Whoever adds and whoever reads see to it that they do not meet."""

    def __init__(self, bounds_s: tuple[float, ...]) -> None:
        self._bounds_s = bounds_s
        self._edges_s = np.array(bounds_s)
        self._counts = [0] * (len(bounds_s) + 1)
        self._sum_s = 0.0

    def add(self, durations_s: NDArray[np.float64]) -> None:
        """Count durations (n,); those that are not known (NaN) are left out."""
        known_s = durations_s[~np.isnan(durations_s)]
        found = np.bincount(np.searchsorted(self._edges_s, known_s), minlength=len(self._counts))
        self._counts = [before + more for before, more in zip(self._counts, found.tolist(), strict=True)]
        self._sum_s += float(known_s.sum())

    def add_one(self, duration_s: float) -> None:
        """Count a duration that is known."""
        self._counts[bisect_left(self._bounds_s, duration_s)] += 1
        self._sum_s += duration_s

    def read(self) -> Distribution:
        """Return what was counted."""
        return Distribution(self._bounds_s, tuple(self._counts), self._sum_s)


class TimedClassifier:
    """A classifier whose calls are timed: one for all the windows that a tick completes."""

    def __init__(self, classifier: Classifying) -> None:
        self._classifier = classifier
        self.latency = Histogram(INFERENCE_BOUNDS_S)

    def probabilities(self, windows: Samples) -> NDArray[np.float32]:
        """Classify, and count how long it took."""
        begun_s = time.perf_counter()
        found = self._classifier.probabilities(windows)
        self.latency.add_one(time.perf_counter() - begun_s)
        return found
