"""A causal Butterworth low-pass over many devices at once, its state carried from block to block.

Computed in double precision as second-order sections (direct form II transposed): each device's output is the
same bits however its stream is cut into blocks and whatever devices share a batch with it.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.signal import butter, sosfilt, sosfilt_zi

from har_stream.manifest import InitialState, LowPass
from har_stream.samples import Rows


class ButterworthLowPass:
    """One filter for `rows` devices of `axes` channels each."""

    def __init__(self, spec: LowPass, *, rate_hz: float, initial_state: InitialState, rows: int, axes: int) -> None:
        self._sections = butter(spec.order, spec.cutoff_hz, fs=rate_hz, output="sos")
        # The state that a constant input of 1 settles in; zero leaves the transient in, as UCI HAR has it.
        settled = sosfilt_zi(self._sections) * (initial_state == "first-sample")
        self._start = settled[:, np.newaxis, :, np.newaxis]
        self._state = np.zeros((len(self._sections), rows, 2, axes))

    def reset(self, rows: Rows, first: NDArray[np.float64]) -> None:
        """Begin anew in `rows`; first (d, axes) holds each device's first sample."""
        self._state[:, rows] = self._start * first[:, np.newaxis, :]

    def push(self, rows: Rows, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Filter values (d, n, axes), a device a row, and keep the state for the next block."""
        filtered, self._state[:, rows] = sosfilt(self._sections, values, axis=1, zi=self._state[:, rows])
        return filtered
