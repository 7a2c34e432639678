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
from har_stream.strips import Strips


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
"""Samples that come at most before the windows that they end are cut out."""

SAMPLE_BYTES: Final = len(CHANNELS) * np.dtype(np.float32).itemsize


class Windows:
    """The last samples of `rows` devices, and how many more each needs for its next window.

    A device's samples lie in a row, those that its next window needs and new ones behind them, so that a window is one
    piece of memory; once windows were cut out, what the next one shares with them moves to the front.
    """

    def __init__(self, *, window: int, hop: int, skip: int, rows: int) -> None:
        """Skip the first `skip` samples after a reset: the filters' delay, they belong to the time before."""
        self._window, self._hop, self._skip = window, hop, skip
        self._shared = max(0, window - hop)
        length = window + skip + 2 * SPARE
        self._samples = Strips(rows, length, SAMPLE_BYTES)
        self._truth = Strips(rows, length, 1)
        self._has_truth = False
        self._held = np.zeros(rows, np.int64)
        self._needed = np.zeros(rows, np.int64)
        self._cut = np.zeros(rows, np.int64)

    def reset(self, rows: Rows) -> None:
        """Begin anew in `rows`."""
        self._held[rows] = 0
        self._needed[rows] = self._window + self._skip
        self._cut[rows] = 0

    def push(self, rows: Rows, channels: Samples, truth: Codes) -> WindowBatch:
        """Take channels (d, n, 9) and truth (d, n) of the devices in `rows`, give the windows that they complete."""
        self._has_truth = self._has_truth or bool(truth.any())
        pieces = [slice(at, at + SPARE) for at in range(0, channels.shape[1], SPARE)]
        cut = [self._push(rows, channels[:, piece], truth[:, piece]) for piece in pieces]
        if len(cut) == 1:
            return cut[0]
        return WindowBatch(*(np.concatenate([getattr(one, it.name) for one in cut]) for it in fields(WindowBatch)))

    def _push(self, rows: Rows, channels: Samples, truth: Codes) -> WindowBatch:
        """Take at most SPARE samples (d, n)."""
        samples, held = channels.shape[1], self._held[rows]
        self._samples.put(rows, held, channels)
        lane, end, index = self._ends(rows, samples)
        of_window = rows[lane], held[lane] + end - self._window
        shape = len(lane), self._window
        values = self._samples.get(*of_window, self._window).view(np.float32).reshape(*shape, len(CHANNELS))
        codes = np.zeros(shape, np.uint8)
        if self._has_truth:  # most streams have none, and do without its copies
            self._truth.put(rows, held, truth)
            codes = self._truth.get(*of_window, self._window).view(np.uint8).reshape(shape)
        self._held[rows] = held + samples
        if len(lane):
            self._make_room(of_window[0], of_window[1] + self._window)
        return WindowBatch(of_window[0], values, codes, index, index * self._hop)

    def _make_room(self, rows: Rows, ends: NDArray[np.int64]) -> None:
        """Move what the next windows share with those that ended at places `ends` of `rows`, and what came after."""
        last = np.diff(rows, append=-1) != 0
        rows, first = rows[last], ends[last] - self._shared
        for strips in (self._samples, self._truth)[: 1 + self._has_truth]:
            strips.put(rows, np.zeros_like(first), strips.get(rows, first, self._shared + SPARE))
        self._held[rows] -= first

    def pending(self, rows: Rows) -> NDArray[np.int64]:
        """Return how many samples of each device have entered the stream that no window holds yet.

        The `skip` newest have not come out of the filters; they count among them.
        """
        whole = np.where(self._cut[rows] > 0, self._hop, self._window)
        return whole + self._skip - self._needed[rows]

    def _ends(self, rows: Rows, samples: int) -> tuple[Rows, NDArray[np.int64], NDArray[np.int64]]:
        """Count `samples` more in each of `rows`; return lane, place and index of each window that they end."""
        needed = self._needed[rows]
        if (needed > samples).all():  # as most blocks of a lone device
            self._needed[rows] = needed - samples
            none = np.zeros(0, np.int64)
            return none, none, none
        ended = np.maximum(0, (samples - needed) // self._hop + 1)
        first, self._cut[rows] = self._cut[rows], self._cut[rows] + ended
        self._needed[rows] = needed + ended * self._hop - samples
        lane = np.repeat(np.arange(len(rows)), ended)
        nth = np.arange(len(lane)) - np.repeat(np.cumsum(ended) - ended, ended)
        return lane, needed[lane] + nth * self._hop, first[lane] + nth
