"""The uniform rate: no gap, no change; a short gap is bridged in a straight line; a long one begins anew."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from har_stream.activities import UNLABELLED
from har_stream.batch import NEW, Batch
from har_stream.bridging import Bridging, UniformBatch
from har_stream.samples import Samples

RATE_HZ = 50.0
MAX_GAP = 5


def stage(max_gap_s: float = MAX_GAP / RATE_HZ) -> Bridging:
    return Bridging(rate_hz=RATE_HZ, max_gap_s=max_gap_s, rows=3)


def batch(values: Samples, *missing: int, start_s: float = 0.0, rows: list[int] | None = None) -> Batch:
    """The same samples for each device, `missing` before them."""
    devices = len(missing)
    return Batch(
        np.array(rows if rows is not None else range(devices), np.intp),
        np.full(devices, start_s),
        np.repeat(values[np.newaxis], devices, axis=0),
        np.full((devices, len(values)), 3, np.uint8),
        np.array(missing, np.int64),
        np.full(devices, 50.0),
    )


def noise(seed: int, samples: int) -> Samples:
    return np.random.default_rng(seed).standard_normal((samples, 6)).astype(np.float32)


def level(*values: float) -> Samples:
    return np.repeat(np.array(values, np.float32)[:, np.newaxis], 6, axis=1)


def push(bridging: Bridging, pushed: Batch) -> list[UniformBatch]:
    return list(bridging.push(pushed))


def test_without_a_gap_samples_pass_bit_for_bit() -> None:
    bridging = stage()
    for seed, missing, begins in [(0, NEW, True), (1, 0, False), (2, 0, False)]:
        pushed = batch(noise(seed, 7), missing, start_s=4.0)
        (uniform,) = push(bridging, pushed)
        assert uniform.batch.values.tobytes() == pushed.values.tobytes()
        assert uniform.batch.truth.tobytes() == pushed.truth.tobytes()
        assert (uniform.batch.start_s.tolist(), uniform.begins.tolist(), uniform.bridged) == ([4.0], [begins], 0)


@pytest.mark.parametrize("missing", range(1, MAX_GAP + 1))
def test_a_short_gap_is_bridged_in_a_straight_line(missing: int) -> None:
    bridging = stage()
    push(bridging, batch(level(7, 0), NEW))
    after = missing + 1  # a slope of 1 a sample
    (uniform,) = push(bridging, batch(level(after, 9), missing, start_s=2.0))
    assert uniform.batch.values[0, :, 4] == pytest.approx([*range(1, after + 1), 9])
    assert uniform.batch.values.dtype == np.float32
    assert uniform.batch.truth[0].tolist() == [UNLABELLED] * missing + [3, 3]
    assert uniform.batch.start_s.tolist() == [2.0 - missing / RATE_HZ]
    assert (uniform.begins.tolist(), uniform.bridged) == ([False], missing)


@pytest.mark.parametrize("missing", [MAX_GAP + 1, 1000, 10**15])
def test_after_a_longer_gap_the_stream_begins_anew(missing: int) -> None:
    bridging = stage()
    push(bridging, batch(level(0), NEW))
    pushed = batch(level(5, 6), missing)
    (uniform,) = push(bridging, pushed)
    assert uniform.batch.values.tobytes() == pushed.values.tobytes()
    assert (uniform.begins.tolist(), uniform.bridged) == ([True], 0)


def test_no_gap_is_bridged_where_none_may_be() -> None:
    bridging = stage(max_gap_s=0.0)
    push(bridging, batch(level(0), NEW))
    (uniform,) = push(bridging, batch(level(5), 1))
    assert uniform.begins.tolist() == [True]


def test_a_bridge_starts_from_the_last_sample_whatever_came_before_it() -> None:
    bridging = stage()
    for values, missing in [(level(0), NEW), (level(4), 1), (level(100), 9), (level(8), 0)]:
        push(bridging, batch(values, missing))
    (uniform,) = push(bridging, batch(level(10), 1))
    assert uniform.batch.values[0, :, 0].tolist() == [9.0, 10.0]


def test_devices_of_one_batch_are_treated_each_by_its_own_gap() -> None:
    bridging = stage()
    push(bridging, batch(level(0), NEW, NEW, NEW))
    bridged, others = push(bridging, batch(level(2), 0, 1, MAX_GAP + 1))
    assert (bridged.batch.rows.tolist(), bridged.batch.values[0, :, 0].tolist()) == ([1], [1.0, 2.0])
    assert (others.batch.rows.tolist(), others.begins.tolist()) == ([0, 2], [False, True])
    (next_,) = push(bridging, batch(level(4), 1, rows=[1]))
    assert next_.batch.values[0, :, 0].tolist() == [3.0, 4.0]


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(NEW, MAX_GAP + 2), st.integers(1, 4)), max_size=20))
def test_what_the_sensors_gave_is_always_among_what_leaves(steps: list[tuple[int, int, int]]) -> None:
    bridging = stage()
    known: set[int] = set()
    for seed, (row, gap, samples) in enumerate(steps):
        missing = gap if row in known else NEW
        known.add(row)
        values: NDArray[np.float32] = noise(seed, samples)
        (uniform,) = push(bridging, batch(values, missing, rows=[row]))
        assert uniform.batch.values[0, uniform.bridged :].tobytes() == values.tobytes()
        assert uniform.bridged == (missing if 0 < missing <= MAX_GAP else 0)
        assert uniform.begins.tolist() == [missing == NEW or missing > MAX_GAP]
