"""From raw samples at the model's rate to windows: UCI HAR's own chain, the same for training and serving.

    raw (d, n, 6) -> denoising -> gravity -> channels (d, n, 9) -> windows (w, 128, 9)

All of it is causal and runs on without a break over a whole recording; state is an array with a row a device.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from har_stream.denoising import DELAY_SAMPLES, Denoising
from har_stream.gravity import Gravity
from har_stream.manifest import CHANNELS, Filters, Framing
from har_stream.samples import Codes, Rows, Samples
from har_stream.windows import WindowBatch, Windows


class Channels:
    """The filters alone: raw samples of `rows` devices to nine channels, DELAY_SAMPLES later."""

    def __init__(self, filters: Filters, *, rate_hz: float, rows: int) -> None:
        self._denoising = Denoising(filters, rate_hz=rate_hz, rows=rows)
        self._gravity = Gravity(filters, rate_hz=rate_hz, rows=rows)
        self._from_zero = filters.initial_state == "zero"

    def reset(self, rows: Rows, first: Samples) -> None:
        """Begin anew in `rows`; first (d, 6) holds each device's first raw sample."""
        self._denoising.reset(rows, first)
        self._gravity.reset(rows, np.zeros(first.shape) if self._from_zero else first.astype(np.float64))

    def push(self, rows: Rows, values: Samples) -> Samples:
        """Take raw samples (d, n, 6) in g and rad/s, give (d, n, 9) in UCI HAR's order."""
        return self._gravity.push(rows, self._denoising.push(rows, values))


class Preprocessing:
    """Filters and windows for `rows` devices."""

    def __init__(self, filters: Filters, framing: Framing, *, rows: int) -> None:
        self._filters = Channels(filters, rate_hz=framing.rate_hz, rows=rows)
        self.channels: Samples = np.zeros((0, 0, len(CHANNELS)), np.float32)  # of the last push: (d, n, 9)
        self._windows = Windows(window=framing.window, hop=framing.hop, skip=DELAY_SAMPLES, rows=rows)

    def reset(self, rows: Rows, first: Samples) -> None:
        """Begin anew in `rows`, as after a gap; first (d, 6) holds each device's first raw sample."""
        self._filters.reset(rows, first)
        self._windows.reset(rows)

    def push(self, rows: Rows, values: Samples, truth: Codes) -> WindowBatch:
        """Take raw samples (d, n, 6) with truth (d, n), give the windows that they complete."""
        self.channels = self._filters.push(rows, values)
        return self._windows.push(rows, self.channels, truth)

    def pending(self, rows: Rows) -> NDArray[np.int64]:
        """Return how many samples of each device have been pushed that no window holds yet."""
        return self._windows.pending(rows)


def filter_recording(values: Samples, filters: Filters, *, rate_hz: float) -> Samples:
    """Return the nine channels (n, 9) of a whole recording (n, 6), as the stream gives them.

    The last sample has no successor for the median; it is taken as its own, or as zero with initial state zero.
    """
    after = np.zeros_like(values[-1:]) if filters.initial_state == "zero" else values[-1:]
    channels = Channels(filters, rate_hz=rate_hz, rows=1)
    row = np.zeros(1, np.intp)
    channels.reset(row, values[np.newaxis, 0])
    return channels.push(row, np.concatenate([values, after])[np.newaxis])[0, DELAY_SAMPLES:]
