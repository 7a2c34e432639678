"""Gravity and body acceleration apart; angular rate without its drift. Gives UCI HAR's nine channels.

gravity = Butterworth low-pass order 3 at 0.3 Hz of total acceleration; body_acc = total_acc - gravity;
body_gyro = gyro - Butterworth low-pass order 2 at 0.1 Hz of gyro. (UCI HAR's papers do not mention the last
one; its files show it: without it body_gyro is off by up to 0.25 rad/s.)
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from har_stream.butterworth import ButterworthLowPass
from har_stream.manifest import Filters
from har_stream.samples import Rows, Samples

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
        """Take denoised samples (d, n, 6), give (d, n, 9): body_acc, body_gyro, total_acc, x y z each."""
        total_acc, gyro = denoised[:, :, :AXES], denoised[:, :, AXES:]
        body_acc = total_acc - self._gravity.push(rows, total_acc)
        body_gyro = gyro - self._drift.push(rows, gyro)
        return np.concatenate([body_acc, body_gyro, total_acc], axis=2, dtype=np.float32, casting="same_kind")
