"""The preprocessing chain: equal to UCI HAR's own rows, and the same however a stream is cut or shared."""

from __future__ import annotations

from functools import cache
from itertools import pairwise
from pathlib import Path

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from har_stream.datasets import Hapt, Selection, open_data_set
from har_stream.manifest import Filters, Framing
from har_stream.preprocessing import Preprocessing, filter_recording
from har_stream.samples import Samples
from tests.motion import motion
from training.chain import UCI_HAR_FRAMING, uci_har_filters
from training.labelled_windows import read_windows, windows_of

SIX = Selection("all", frozenset({1, 3, 5, 6, 7, 8}))
ROW = np.zeros(1, np.intp)


def windows_in_blocks(values: Samples, cuts: list[int], framing: Framing, filters: Filters) -> Samples:
    """Push a stream in blocks that end at `cuts`, return all windows."""
    stage = Preprocessing(filters, framing, rows=1)
    stage.reset(ROW, values[np.newaxis, 0])
    edges = [0, *sorted(cuts), len(values)]
    windows = []
    for start, stop in pairwise(edges):
        if stop > start:
            block = values[np.newaxis, start:stop]
            windows.append(stage.push(ROW, block, np.zeros(block.shape[:2], np.uint8)).values)
    return np.concatenate(windows)


def test_windows_of_raw_recordings_equal_uci_hars_own_rows(hapt_zip: Path, uci_zip: Path) -> None:
    ours = read_windows(hapt_zip, SIX, uci_har_filters("zero"), UCI_HAR_FRAMING)
    theirs = read_windows(uci_zip, Selection(), uci_har_filters(), UCI_HAR_FRAMING)
    assert np.array_equal(ours.codes, theirs.codes)
    assert np.array_equal(ours.subject, theirs.subject)
    assert np.abs(ours.values - theirs.values).max(axis=(0, 1)).max() < 2e-6


def test_without_the_gyro_drift_filter_the_rows_would_differ(hapt_zip: Path, uci_zip: Path) -> None:
    one = Selection("all", frozenset({1}))
    theirs = read_windows(uci_zip, one, uci_har_filters(), UCI_HAR_FRAMING)
    data_set = open_data_set(hapt_zip)
    assert isinstance(data_set, Hapt)
    recording = next(data_set.recordings(one))
    # The first row's span begins at sample 249; raw gyro is what body_gyro would be without any filter.
    assert np.abs(recording.values[249 : 249 + 128, 3:] - theirs.values[0, :, 3:6]).max() > 0.01


@pytest.mark.parametrize("initial_state", ["zero", "first-sample"])
@pytest.mark.parametrize("block", [1, 7, 64, 1000, 10**6])
def test_the_daemons_windows_are_those_that_training_saw(hapt_zip: Path, block: int, initial_state: str) -> None:
    filters = uci_har_filters("zero" if initial_state == "zero" else "first-sample")
    data_set = open_data_set(hapt_zip)
    assert isinstance(data_set, Hapt)
    recording = next(data_set.recordings(Selection("all", frozenset({5}))))
    seen = windows_of([recording], filters, UCI_HAR_FRAMING)
    values = recording.values[:6000]
    cuts = list(range(block, len(values), block))
    # A hop of 1 gives the window at every place, those at the labels' beginnings among them.
    live = windows_in_blocks(values, cuts, msgspec.structs.replace(UCI_HAR_FRAMING, hop=1), filters)
    inside = seen.start < len(live)
    assert inside.sum() > 50
    assert np.array_equal(live[seen.start[inside]], seen.values[inside])


@given(st.integers(0, 2**32 - 1), st.lists(st.integers(1, 599), max_size=12))
def test_windows_do_not_depend_on_how_a_stream_is_cut(seed: int, cuts: list[int]) -> None:
    values = motion(seed, 600)
    whole = windows_in_blocks(values, [], UCI_HAR_FRAMING, uci_har_filters())
    assert len(whole) == (599 - 128) // 64 + 1
    assert np.array_equal(windows_in_blocks(values, cuts, UCI_HAR_FRAMING, uci_har_filters()), whole)


@cache
def windows_alone(seed: int) -> Samples:
    """All windows of 400 samples that nothing cuts and that share a batch with nobody."""
    return windows_in_blocks(motion(seed, 400), [], UCI_HAR_FRAMING, uci_har_filters())


@given(st.data())
def test_devices_that_share_a_batch_do_not_touch_each_other(data: st.DataObject) -> None:
    devices = data.draw(st.integers(2, 5))
    streams = np.stack([motion(seed, 400) for seed in range(devices)])
    shared = Preprocessing(uci_har_filters(), UCI_HAR_FRAMING, rows=devices)
    shared.reset(np.arange(devices), streams[:, 0])
    at = np.zeros(devices, int)
    got: list[list[NDArray[np.float32]]] = [[] for _ in range(devices)]
    while (at < 400).any():
        size = data.draw(st.integers(20, 200))
        running = np.flatnonzero(at + size <= 400)
        rows = np.array(data.draw(st.permutations(running.tolist())), np.intp) if len(running) else running
        if not len(rows):
            rows = np.flatnonzero(at < 400)[:1]
            size = int(400 - at[rows[0]])
        block = np.stack([streams[row, at[row] : at[row] + size] for row in rows])
        windows = shared.push(rows, block, np.zeros(block.shape[:2], np.uint8))
        for row, values in zip(windows.rows, windows.values, strict=True):
            got[row].append(values)
        at[rows] += size
    for row in range(devices):
        assert np.array_equal(np.stack(got[row]), windows_alone(row))


def test_first_sample_state_spares_a_still_device_the_transient() -> None:
    still = np.tile(np.array([0.9, 0.3, -0.2, 0.02, -0.01, 0.03], np.float32), (300, 1))
    channels = filter_recording(still, uci_har_filters("first-sample"), rate_hz=50)
    assert np.abs(channels[:, :6]).max() < 1e-6
    assert np.abs(channels[:, 6:] - still[:, :3]).max() < 1e-6
    from_zero = filter_recording(still, uci_har_filters("zero"), rate_hz=50)
    assert np.abs(from_zero[0, 6:]).max() < 0.2


def test_a_reset_leaves_nothing_of_what_was_before() -> None:
    before, after = motion(1, 200), motion(2, 300)
    stage = Preprocessing(uci_har_filters(), UCI_HAR_FRAMING, rows=1)
    for values in (before, after):
        stage.reset(ROW, values[np.newaxis, 0])
        windows = stage.push(ROW, values[np.newaxis], np.zeros((1, len(values)), np.uint8))
    assert np.array_equal(windows.values, windows_in_blocks(after, [], UCI_HAR_FRAMING, uci_har_filters()))
    assert windows.start.tolist() == [0, 64, 128]


def test_truth_stays_with_its_sample_through_the_filters_delay() -> None:
    values = motion(3, 300)
    truth = (np.arange(300) // 10).astype(np.uint8)[np.newaxis]
    stage = Preprocessing(uci_har_filters(), UCI_HAR_FRAMING, rows=1)
    stage.reset(ROW, values[np.newaxis, 0])
    first = stage.push(ROW, values[np.newaxis, :150], truth[:, :150])
    second = stage.push(ROW, values[np.newaxis, 150:], truth[:, 150:])
    assert np.array_equal(first.truth[0], truth[0, :128])
    assert np.array_equal(second.truth[0], truth[0, 64:192])
