"""The books on samples that wait for their first window: of the tail after one only the device's own wait."""

from __future__ import annotations

import numpy as np
import pytest

from har_stream.accounting import Accounting
from har_stream.batch import NEW, Batch
from har_stream.bridging import UniformBatch
from har_stream.denoising import DELAY_SAMPLES
from har_stream.framer import Framer
from har_stream.taps import Taps
from tests.motion import RATE_HZ, model, motion

SAMPLES = 142
VALUES = motion(1, SAMPLES)
WINDOW = 128


def framer(accounting: Accounting) -> Framer:
    manifest, _ = model()
    taps = Taps(dict[str, int]().get, rate_hz=RATE_HZ)
    return Framer(manifest.filters, manifest.framing, taps, accounting, rows=3)


def uniform(start: int, stop: int, *, bridged: int = 0, stands_for: np.ndarray | None = None) -> UniformBatch:
    """Samples of the device in row 2 from its start-th on."""
    rows, begins = np.array([2]), np.array([start == 0])
    values, truth = VALUES[np.newaxis, start:stop], np.zeros((1, stop - start), np.uint8)
    missing = np.where(begins, NEW, 0)
    batch = Batch(rows, np.array([start / RATE_HZ]), values, truth, missing, np.array([RATE_HZ]), stands_for)
    return UniformBatch(batch, begins, bridged)


def test_of_resampled_samples_those_wait_that_the_tail_stands_for() -> None:
    accounting = Accounting()
    stage = framer(accounting)
    stands_for = 1 + np.arange(SAMPLES)[np.newaxis] % 4
    assert len(stage.push(uniform(0, SAMPLES, stands_for=stands_for)).rows) == 1
    assert accounting.used == stands_for[0, :WINDOW].sum()
    assert stage.buffered == stands_for[0, WINDOW:].sum()


def test_a_window_that_ends_in_a_bridge_leaves_the_devices_own_samples_waiting() -> None:
    accounting = Accounting()
    stage = framer(accounting)
    stage.push(uniform(0, WINDOW - 1))
    assert (accounting.used, stage.buffered) == (0, WINDOW - 1)
    #   own 0 ... 126 | bridged 127 ... 136 | own 137 ... 141        the window ends with 127
    assert len(stage.push(uniform(WINDOW - 1, SAMPLES, bridged=10)).rows) == 1
    assert (accounting.used, accounting.bridged, stage.buffered) == (WINDOW - 1, 10, 5)


@pytest.mark.parametrize("samples", [1, 2, 3])
def test_what_has_not_left_the_filters_waits_however_few_come_at_a_time(samples: int) -> None:
    accounting = Accounting()
    stage = framer(accounting)
    completes = WINDOW + DELAY_SAMPLES
    stage.push(uniform(0, completes - samples))
    stands_for = np.full((1, samples), 2)
    assert len(stage.push(uniform(completes - samples, completes, stands_for=stands_for)).rows) == 1
    assert stage.buffered == 2 * DELAY_SAMPLES
