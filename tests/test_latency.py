"""Histograms of durations, and the classifier that is timed."""

from __future__ import annotations

import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from har_stream.latency import Histogram, TimedClassifier
from har_stream.samples import Samples

BOUNDS_S = (0.1, 1.0)


def test_a_duration_counts_in_the_first_bucket_that_holds_it() -> None:
    histogram = Histogram(BOUNDS_S)
    histogram.add(np.array([0.0, 0.1, 0.11, 1.0, 1.5, 60.0]))
    told = histogram.read()
    assert (told.bounds_s, told.counts) == (BOUNDS_S, (2, 2, 2))
    assert told.sum_s == pytest.approx(62.71)


def test_what_is_not_known_is_left_out() -> None:
    histogram = Histogram(BOUNDS_S)
    histogram.add(np.array([np.nan, 0.5]))
    histogram.add(np.array([np.nan]))
    histogram.add(np.empty(0))
    assert (histogram.read().counts, histogram.read().sum_s) == ((0, 1, 0), 0.5)


@given(st.lists(st.floats(0, 100)), st.integers(0, 50))
def test_however_durations_are_cut_into_batches_they_count_alike(durations_s: list[float], at: int) -> None:
    one, other = Histogram(BOUNDS_S), Histogram(BOUNDS_S)
    one.add(np.array(durations_s))
    for part in (durations_s[:at], durations_s[at:]):
        other.add(np.array(part))
    singly = Histogram(BOUNDS_S)
    for each_s in durations_s:
        singly.add_one(each_s)
    assert one.read().counts == other.read().counts == singly.read().counts
    assert singly.read().sum_s == pytest.approx(one.read().sum_s)
    assert sum(one.read().counts) == len(durations_s)
    counts = np.array([sum(each <= bound for each in durations_s) for bound in (*BOUNDS_S, np.inf)])
    assert np.cumsum(one.read().counts).tolist() == counts.tolist()


class Slow:
    """A classifier that takes its time."""

    def probabilities(self, windows: Samples) -> NDArray[np.float32]:
        time.sleep(0.12)
        return windows[:, 0, :2]


def test_a_call_of_the_model_is_one_duration_whatever_its_windows() -> None:
    timed = TimedClassifier(Slow())
    windows = np.arange(5 * 4 * 9, dtype=np.float32).reshape(5, 4, 9)
    assert (timed.probabilities(windows) == windows[:, 0, :2]).all()
    told = timed.latency.read()
    assert sum(told.counts) == 1
    assert sum(told.counts[: told.bounds_s.index(0.1) + 1]) == 0
    assert told.sum_s >= 0.12
