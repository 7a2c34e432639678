"""Windows: the nine channels of each device cut into spans of 128 samples, a hop of 64 apart.

         0        64       128       192       256
    in   |--------|--------|--------|--------|-- ...
    out  [---- window 0 ---]
                  [---- window 1 ---]
                           [---- window 2 ---]        never across a gap: a reset begins at 0 again

A window leaves with the block that holds its last sample.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from har_stream.manifest import CHANNELS
from har_stream.samples import Codes, Rows, Samples


@dataclass(frozen=True, slots=True)
class WindowBatch:
    """Windows of several devices, each device's in their order.

    rows (w,) tells the device; values (w, window, 9); truth (w, window) activity codes; index (w,) counts a
    device's windows from its last reset; start (w,) is the first sample's place since that reset.
    """

    rows: Rows
    values: Samples
    truth: Codes
    index: NDArray[np.int64]
    start: NDArray[np.int64]


class Windows:
    """The last `window` samples of `rows` devices, and how many more each needs for its next window."""

    def __init__(self, *, window: int, hop: int, skip: int, rows: int) -> None:
        """Skip the first `skip` samples after a reset: the filters' delay, they belong to the time before."""
        self._window, self._hop, self._skip = window, hop, skip
        self._tail = np.zeros((rows, window, len(CHANNELS)), np.float32)
        self._truth = np.zeros((rows, window), np.uint8)
        self._needed = np.zeros(rows, np.int64)
        self._cut = np.zeros(rows, np.int64)

    def reset(self, rows: Rows) -> None:
        """Begin anew in `rows`."""
        self._needed[rows] = self._window + self._skip
        self._cut[rows] = 0

    def push(self, rows: Rows, channels: Samples, truth: Codes) -> WindowBatch:
        """Take channels (d, n, 9) and truth (d, n) of the devices in `rows`, give the windows that they complete."""
        joined = np.concatenate([self._tail[rows], channels], axis=1)
        joined_truth = np.concatenate([self._truth[rows], truth], axis=1)
        self._tail[rows], self._truth[rows] = joined[:, -self._window :], joined_truth[:, -self._window :]
        lane, end, index = self._ends(rows, channels.shape[1])
        # The tail stands before the new samples, so a window that ends after `end` of them begins at `end`.
        spans = sliding_window_view(joined, self._window, axis=1).transpose(0, 1, 3, 2)
        truths = sliding_window_view(joined_truth, self._window, axis=1)
        return WindowBatch(rows[lane], spans[lane, end], truths[lane, end], index, index * self._hop)

    def pending(self, rows: Rows) -> NDArray[np.int64]:
        """Return how many samples of each device have entered the stream that no window holds yet.

        The `skip` newest have not come out of the filters; they count among them.
        """
        whole = np.where(self._cut[rows] > 0, self._hop, self._window)
        return whole + self._skip - self._needed[rows]

    def _ends(self, rows: Rows, samples: int) -> tuple[Rows, NDArray[np.int64], NDArray[np.int64]]:
        """Count `samples` more in each of `rows`; return lane, place and index of each window that they end."""
        needed = self._needed[rows]
        ended = np.maximum(0, (samples - needed) // self._hop + 1)
        first, self._cut[rows] = self._cut[rows], self._cut[rows] + ended
        self._needed[rows] = needed + ended * self._hop - samples
        lane = np.repeat(np.arange(len(rows)), ended)
        nth = np.arange(len(lane)) - np.repeat(np.cumsum(ended) - ended, ended)
        return lane, needed[lane] + nth * self._hop, first[lane] + nth
