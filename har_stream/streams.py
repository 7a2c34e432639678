"""Where the streams of many devices stand on their grids in time, a row a device."""

from __future__ import annotations

from typing import Final

import numpy as np

from har_stream.samples import SENSOR_AXES

LONGEST_INTERVAL_S: Final = 0.1
"""From sample to sample at a rate that is not known yet."""
ON_GRID: Final = 1e-3
"""In intervals of a grid: a point so little after the newest sample is reached."""


class Streams:
    """The last sample, the next point and the interval of `rows` devices; NaN where a stream has not begun."""

    def __init__(self, *, rows: int) -> None:
        self.fine = np.ones(rows, np.int64)
        """Points of the device's grid in each interval of the model's."""
        self.interval_s = np.full(rows, LONGEST_INTERVAL_S)
        """From sample to sample of the device itself."""
        self.longest_step_s = np.full(rows, np.nan)
        """With which a stream goes on, once it has begun."""
        self.origin_s = np.full(rows, np.nan)
        self.next = np.zeros(rows, np.int64)
        self.last_s = np.full(rows, np.nan)
        self.last = np.zeros((rows, SENSOR_AXES), np.float32)
        self.last_truth = np.zeros(rows, np.uint8)
        self.pending = np.zeros(rows, np.int64)
        """Samples that no sample at the model's rate stands for yet."""

    def end(self, row: int) -> int:
        """Take whatever comes next in a row as the beginning of a stream; return how many samples are lost."""
        lost = int(self.pending[row])
        self.pending[row] = 0
        self.origin_s[row] = self.last_s[row] = self.longest_step_s[row] = np.nan
        self.interval_s[row] = LONGEST_INTERVAL_S
        return lost
