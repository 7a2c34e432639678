"""Windows: the nine channels of each device cut into spans of 128 samples, a hop of 64 apart.

         0        64       128       192       256
    in   |--------|--------|--------|--------|-- ...
    out  [---- window 0 ---]
                  [---- window 1 ---]
                           [---- window 2 ---]        never across a gap: a reset begins at 0 again

A window leaves with the block that holds its last sample.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Final

import numpy as np
from numpy.typing import NDArray

from har_stream.batch import places
from har_stream.manifest import CHANNELS
from har_stream.samples import Codes, Rows, Samples
from har_stream.strips import Strips


@dataclass(slots=True)  # not frozen, which would cost more than some of its arrays, for each batch
class WindowBatch:
    """Windows of several devices, each device's in their order.

    rows (w,) tells the device, lanes (w,) its place in what was pushed; values (w, window, 9); truth (w, window)
    activity codes; index (w,) counts a device's windows from its last reset; start (w,) is the first sample's place
    since that reset.
    """

    rows: Rows
    lanes: NDArray[np.intp]
    values: Samples
    truth: Codes
    index: NDArray[np.int64]
    start: NDArray[np.int64]


SPARE: Final = 32
"""Samples that come at most before the windows that they end are cut out."""


class Windows:
    """The last samples of `rows` devices.

    A device's samples lie in a row, in front those of its next window and behind them new ones, so that a window is one
    piece of memory and ends at the same place for all; once it was cut out, what follows its first hop moves to the
    front. Before a window lie `skip` samples more: truth comes so many samples before its channels, and so lies there.
    """

    def __init__(self, *, window: int, hop: int, skip: int, rows: int) -> None:
        """Skip the first `skip` samples after a reset: the filters' delay, they belong to the time before."""
        self._window, self._hop, self._skip = window, hop, skip
        self._end, self._kept = skip + window, skip + window - hop
        self._samples = Strips(rows, self._end + SPARE, np.float32, (len(CHANNELS),))
        self._truth = Strips(rows, self._end + SPARE, np.uint8)
        self._has_truth = False
        self._held = np.zeros(rows, np.int64)
        self._cut = np.zeros(rows, np.int64)
        none = np.zeros(0, np.int64)
        values, truth = np.zeros((0, window, len(CHANNELS)), np.float32), np.zeros((0, window), np.uint8)
        self._none = WindowBatch(none, none, values, truth, none, none)

    def reset(self, rows: Rows) -> None:
        """Begin anew in `rows`."""
        self._held[rows] = 0
        self._cut[rows] = 0

    def push(self, rows: Rows, channels: Samples, truth: Codes) -> WindowBatch:
        """Take channels (d, n, 9) and truth (d, n) of the devices in `rows`, give the windows that they complete.

        The first `skip` channels after a reset are none of the device's, whose truth is that of the samples themselves.
        """
        self._has_truth = self._has_truth or bool(np.count_nonzero(truth))
        cut: list[WindowBatch] = []
        at_rows = places(rows)
        held = self._held[at_rows]
        for at in range(0, channels.shape[1], SPARE):
            piece = channels[:, at : at + SPARE]
            self._samples.put(rows, held, piece)
            if self._has_truth:  # most streams have none, and do without its copies
                self._truth.put(rows, held, truth[:, at : at + SPARE])
            held += piece.shape[1]
            while len(lanes := (held >= self._end).nonzero()[0]):
                cut.append(self._cut_out(rows[lanes], lanes))
                held[lanes] -= self._hop
        self._held[at_rows] = held
        return _joined(cut) if cut else self._none

    def _cut_out(self, rows: Rows, lanes: NDArray[np.intp]) -> WindowBatch:
        """Give the window that each of `rows` holds, and move what follows its first hop to the front."""
        values = self._samples.get(rows, self._skip, self._window)
        self._samples.move(rows, self._hop, self._kept + SPARE)
        truth = np.zeros((len(rows), self._window), np.uint8)
        if self._has_truth:
            truth = self._truth.get(rows, 0, self._window)
            self._truth.move(rows, self._hop, self._kept + SPARE)
        index = self._cut[rows]
        self._cut[rows] = index + 1
        return WindowBatch(rows, lanes, values, truth, index, index * self._hop)

    def pending(self, rows: Rows) -> NDArray[np.int64]:
        """Return how many samples of each device have entered the stream that no window holds yet.

        The `skip` newest have not come out of the filters; they count among them.
        """
        return self._held[rows] - (self._cut[rows] > 0) * (self._window - self._hop)


def _joined(parts: list[WindowBatch]) -> WindowBatch:
    if len(parts) == 1:
        return parts[0]
    columns = ([getattr(part, field.name) for part in parts] for field in fields(WindowBatch))
    return WindowBatch(*map(np.concatenate, columns))
