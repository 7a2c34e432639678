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


SPARE: Final = 32
"""Samples that a ring holds beside a window: as many can come before the windows that they end must be cut out."""

SAMPLE: Final = np.dtype((np.void, len(CHANNELS) * np.dtype(np.float32).itemsize))
"""All channels of a sample as one item, which NumPy moves much faster than a row of numbers."""


class Windows:
    """The last samples of `rows` devices, each in a ring, and how many more each needs for its next window."""

    def __init__(self, *, window: int, hop: int, skip: int, rows: int) -> None:
        """Skip the first `skip` samples after a reset: the filters' delay, they belong to the time before."""
        self._window, self._hop, self._skip = window, hop, skip
        self._length = window + SPARE
        self._ring = np.zeros(rows * self._length, SAMPLE)
        self._truth = np.zeros(rows * self._length, np.uint8)
        self._newest = np.zeros(rows, np.int64)
        self._needed = np.zeros(rows, np.int64)
        self._cut = np.zeros(rows, np.int64)

    def reset(self, rows: Rows) -> None:
        """Begin anew in `rows`."""
        self._needed[rows] = self._window + self._skip
        self._cut[rows] = 0

    def push(self, rows: Rows, channels: Samples, truth: Codes) -> WindowBatch:
        """Take channels (d, n, 9) and truth (d, n) of the devices in `rows`, give the windows that they complete."""
        items = np.ascontiguousarray(channels).view(SAMPLE)[:, :, 0]
        pieces = [slice(at, at + SPARE) for at in range(0, items.shape[1], SPARE)]
        cut = [self._push(rows, items[:, piece], truth[:, piece]) for piece in pieces]
        if len(cut) == 1:
            return cut[0]
        return WindowBatch(*(np.concatenate([getattr(one, it.name) for one in cut]) for it in fields(WindowBatch)))

    def _push(self, rows: Rows, items: NDArray[np.void], truth: Codes) -> WindowBatch:
        """Take at most SPARE samples (d, n)."""
        samples = items.shape[1]
        begin = rows * self._length
        place = begin[:, np.newaxis] + (self._newest[rows][:, np.newaxis] + np.arange(samples)) % self._length
        self._ring[place], self._truth[place] = items, truth
        lane, end, index = self._ends(rows, samples)
        first = self._newest[rows][lane] + end - self._window
        self._newest[rows] = (self._newest[rows] + samples) % self._length
        of_window = begin[lane][:, np.newaxis] + (first[:, np.newaxis] + np.arange(self._window)) % self._length
        values = self._ring[of_window].view(np.float32).reshape(len(lane), self._window, len(CHANNELS))
        return WindowBatch(rows[lane], values, self._truth[of_window], index, index * self._hop)

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
