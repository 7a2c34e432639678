"""Windows of 128, a hop of 64 apart, for many devices at once."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from har_stream.windows import Windows


def numbered(start: int, stop: int) -> tuple[np.ndarray, np.ndarray]:
    """Channels whose every value is the sample's own number, for one device."""
    numbers = np.arange(start, stop, dtype=np.float32)
    return np.tile(numbers[np.newaxis, :, np.newaxis], (1, 1, 9)), np.zeros((1, stop - start), np.uint8)


def test_a_window_leaves_with_the_block_that_holds_its_last_sample() -> None:
    #   0 ........ 127 | 128        a window needs samples 0..127
    row = np.zeros(1, np.intp)
    stage = Windows(window=128, hop=64, skip=0, rows=1)
    stage.reset(row)
    assert len(stage.push(row, *numbered(0, 127)).rows) == 0
    completed = stage.push(row, *numbered(127, 128))
    assert completed.values[0, :, 0].tolist() == list(range(128))
    assert completed.index.tolist() == [0]


def test_one_long_block_gives_every_window_in_order() -> None:
    row = np.zeros(1, np.intp)
    stage = Windows(window=128, hop=64, skip=1, rows=1)
    stage.reset(row)
    windows = stage.push(row, *numbered(-1, 640))
    assert windows.start.tolist() == [0, 64, 128, 192, 256, 320, 384, 448, 512]
    assert windows.values[:, 0, 0].tolist() == windows.start.tolist()
    assert windows.values[:, -1, 8].tolist() == [start + 127 for start in windows.start.tolist()]


def test_devices_at_different_places_complete_their_own_windows() -> None:
    stage = Windows(window=128, hop=64, skip=0, rows=2)
    both = np.arange(2)
    stage.reset(both)
    stage.push(np.array([1]), *numbered(0, 100))
    channels, truth = (np.concatenate(pair) for pair in zip(numbered(0, 50), numbered(100, 150), strict=True))
    windows = stage.push(both, channels, truth)
    assert windows.rows.tolist() == [1]
    assert windows.values[0, :, 0].tolist() == list(range(128))


def test_pending_counts_what_no_window_holds_yet() -> None:
    row = np.zeros(1, np.intp)
    stage = Windows(window=128, hop=64, skip=1, rows=1)
    stage.reset(row)
    for block, pending in [((0, 100), 100), ((100, 129), 1), ((129, 150), 22), ((150, 193), 1)]:
        stage.push(row, *numbered(*block))
        assert stage.pending(row).tolist() == [pending]


@pytest.mark.parametrize(("window", "hop", "skip"), [(128, 64, 1), (128, 1, 0), (16, 16, 1), (100, 7, 3)])
def test_however_a_long_stream_is_cut_its_windows_are_spans_of_it(window: int, hop: int, skip: int) -> None:
    generator = np.random.default_rng(1)
    channels = generator.standard_normal((2, 900, 9)).astype(np.float32)
    truth = generator.integers(0, 12, (2, 900)).astype(np.uint8)
    stage, rows = Windows(window=window, hop=hop, skip=skip, rows=5), np.array([3, 1])
    stage.reset(rows)
    edges = [0, *np.cumsum(generator.integers(1, 150, 5)).tolist(), *range(800, 900, 9), 900]
    count = [0, 0]
    for start, stop in pairwise(edges):
        told = stage.push(rows, channels[:, start:stop], truth[:, start:stop])
        assert rows[told.lanes].tolist() == told.rows.tolist()
        for lane, values, codes, index in zip(told.lanes.tolist(), told.values, told.truth, told.index, strict=True):
            begin = skip + count[lane] * hop
            assert index == count[lane]
            assert start < begin + window <= stop
            assert values.tobytes() == channels[lane, begin : begin + window].tobytes()
            assert codes.tolist() == truth[lane, begin - skip : begin - skip + window].tolist(), "truth is not late"
            count[lane] += 1
    assert count == [(900 - skip - window) // hop + 1] * 2
