"""UCI HAR's noise filter: the median of 3 samples, then a Butterworth low-pass of order 10 at 20 Hz.

The median is centred on its sample and so looks one sample ahead: what leaves this stage is one sample later
than what enters. The sample that leaves first after a reset belongs to the time before the stream began (zero,
or the first sample, as the initial state has it) and is for the next stages to run in with, not to use.
Source: Anguita et al., ESANN 2013.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from har_stream.batch import places
from har_stream.butterworth import ButterworthLowPass, axes_first
from har_stream.manifest import Filters
from har_stream.samples import SENSOR_AXES, Rows, Samples

DELAY_SAMPLES: Final = 1
"""How many samples later a sample leaves than it entered."""

MEMORY: Final = 2
"""Samples before the newest that the median needs."""


class Denoising:
    """Median and low-pass for `rows` devices."""

    def __init__(self, filters: Filters, *, rate_hz: float, rows: int) -> None:
        self._from_zero = filters.initial_state == "zero"
        self._before = np.zeros((rows, MEMORY, SENSOR_AXES), np.float32)
        self._low_pass = ButterworthLowPass(
            filters.noise, rate_hz=rate_hz, initial_state=filters.initial_state, rows=rows, axes=SENSOR_AXES
        )

    def reset(self, rows: Rows, first: Samples) -> None:
        """Begin anew in `rows`; first (d, 6) holds each device's first sample."""
        before = np.zeros_like(first) if self._from_zero else first
        self._before[rows] = before[:, np.newaxis]
        self._low_pass.reset(rows, before.astype(np.float64))

    def push(self, rows: Rows, values: Samples) -> NDArray[np.float64]:
        """Take raw samples (d, n, 6), give denoised ones axis by axis (6, d, n), one sample later."""
        at, samples = places(rows), values.shape[1]
        joined = np.empty((len(rows), MEMORY + samples, SENSOR_AXES), np.float32)
        joined[:, :MEMORY], joined[:, MEMORY:] = self._before[at], values
        self._before[at] = joined[:, -MEMORY:]
        signals = axes_first(_median_of_three(joined))
        self._low_pass.filter(rows, signals)
        return signals


def _median_of_three(values: Samples) -> Samples:
    """Return the running median over axis 1 of values (d, n + 2, axes): n samples each, (d, n, axes)."""
    # In one run over all devices, which takes a tenth of the time of one for each; medians across two are cut off.
    axes, flat = values.shape[2], values.reshape(-1)
    left, centre, right = flat[: -2 * axes], flat[axes:-axes], flat[2 * axes :]
    smaller, larger = np.minimum(left, centre), np.maximum(left, centre)
    if len(values) == 1:
        return np.asarray(np.maximum(smaller, np.minimum(larger, right)).reshape(1, -1, axes))
    median = np.empty_like(flat)
    np.maximum(smaller, np.minimum(larger, right), out=median[: -2 * axes])
    return np.asarray(median.reshape(values.shape)[:, :-2])
