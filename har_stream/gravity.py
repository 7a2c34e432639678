"""Gravity and body acceleration apart; angular rate without its drift. Gives UCI HAR's nine channels.

gravity = Butterworth low-pass order 3 at 0.3 Hz of total acceleration; body_acc = total_acc - gravity;
body_gyro = gyro - Butterworth low-pass order 2 at 0.1 Hz of gyro. (UCI HAR's papers do not mention the last
one; its files show it: without it body_gyro is off by up to 0.25 rad/s.)
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from har_stream.butterworth import ButterworthLowPass
from har_stream.manifest import CHANNELS, Filters
from har_stream.samples import SENSOR_AXES, Rows, Samples

AXES = 3


class Gravity:
    """The two slow filters for `rows` devices."""

    def __init__(self, filters: Filters, *, rate_hz: float, rows: int) -> None:
        initial_state = filters.initial_state
        self._gravity = ButterworthLowPass(
            filters.gravity, rate_hz=rate_hz, initial_state=initial_state, rows=rows, axes=AXES
        )
        self._drift = ButterworthLowPass(
            filters.gyro_drift, rate_hz=rate_hz, initial_state=initial_state, rows=rows, axes=AXES
        )

    def reset(self, rows: Rows, first: NDArray[np.float64]) -> None:
        """Begin anew in `rows`; first (d, 6) holds each device's first denoised sample."""
        self._gravity.reset(rows, first[:, :AXES])
        self._drift.reset(rows, first[:, AXES:])

    def push(self, rows: Rows, denoised: NDArray[np.float64]) -> Samples:
        """Take denoised samples axis by axis (6, d, n), give (d, n, 9): body_acc, body_gyro, total_acc, x y z each."""
        slow = denoised.copy()
        self._gravity.filter(rows, slow[:AXES])
        self._drift.filter(rows, slow[AXES:])
        channels = np.empty((len(CHANNELS), *denoised.shape[1:]), np.float32)
        channels[:SENSOR_AXES] = np.subtract(denoised, slow, out=slow)
        channels[SENSOR_AXES:] = denoised[:AXES]
        return np.ascontiguousarray(channels.transpose(1, 2, 0))
