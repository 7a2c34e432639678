"""What the classifier and the smoother say, by name, and what it costs to keep it."""

from __future__ import annotations

import tracemalloc

import numpy as np

from har_stream.activities import ACTIVITIES
from har_stream.framed import FramedWindows
from har_stream.predictions import Predictions
from har_stream.samples import Prediction
from har_stream.sinks.json_lines import json_stdout
from har_stream.sinks.worker import SinkWorker
from har_stream.smoothing import NONE, Smoothed
from har_stream.wall_clock import RecordedClock
from tests.motion import model

DEVICES = 10
NAMES = [f"device{row}" for row in range(DEVICES)]
LARGEST_LABEL_B = 500
"""Ten thousand may wait for a broker, and what a whole process grows by meanwhile is to stay within 10 MiB."""


def told(windows: int, *, outputs: int = len(ACTIVITIES)) -> list[Prediction]:
    """Window n is device n mod DEVICES's at n seconds; most probable, in force and settled is label n mod 6."""
    numbers = np.arange(windows)
    times_s = numbers.astype(np.float64)
    labels = numbers % len(ACTIVITIES)
    probabilities = np.full((windows, outputs), 0.01, np.float32)
    probabilities[numbers, labels] = 0.9 + numbers / (100 * windows)
    rows = numbers % DEVICES
    framed = FramedWindows(rows, np.zeros((windows, 0, 9), np.float32), times_s, rows < 0, np.zeros(windows, np.uint8))
    settled = np.where(numbers < DEVICES, NONE, labels)
    predictions = Predictions(ACTIVITIES, model()[0].framing, NAMES.__getitem__, np.zeros(DEVICES, np.bool_))
    return predictions.of(framed, probabilities, Smoothed(labels, settled), times_s.tolist())


def test_each_window_has_its_own_probabilities_by_name() -> None:
    every = told(20)
    assert [one.raw for one in every] == [ACTIVITIES[number % 6] for number in range(20)]
    for number, one in enumerate(every):
        assert list(one.probabilities) == list(ACTIVITIES)
        assert one.confidence == np.float32(0.9 + number / 2000) == max(one.probabilities.values())
        assert sum(share == np.float32(0.01) for share in one.probabilities.values()) == len(ACTIVITIES) - 1


def test_what_a_model_says_besides_its_labels_is_left_out() -> None:
    assert told(7, outputs=len(ACTIVITIES) + 1) == told(7)


def test_a_label_that_waits_for_a_sink_takes_little_memory() -> None:
    labels = 5_000
    worker = SinkWorker(json_stdout(), limit=labels, source_waits=False, on_closed=lambda: None)  # nobody starts it
    wall_clock = RecordedClock(1_795_500_000.0)
    told(100)
    tracemalloc.start()
    for _ in range(labels // DEVICES):
        worker.put(wall_clock.stamp(told(DEVICES * 2)[DEVICES:], 0.0), 1.0)
    taken_b = tracemalloc.get_traced_memory()[0] / labels
    tracemalloc.stop()
    assert worker.waiting == labels
    assert taken_b < LARGEST_LABEL_B
