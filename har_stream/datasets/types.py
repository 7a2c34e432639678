"""What the readers give: recordings of raw samples, and tables of ready windows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from har_stream.samples import Codes, Samples


@dataclass(frozen=True, slots=True)
class LabelledSpan:
    """Samples start..stop-1 (0-based) carry an activity code."""

    code: int
    start: int
    stop: int


@dataclass(frozen=True, slots=True)
class Recording:
    """One recording of raw samples; where times_s is None, an uninterrupted one.

    values (n, 6): acc x y z in g, gyro x y z in rad/s; truth (n,) activity codes, None where the recording has
    no labels; subject and experiment are 0 where they are not known. times_s (n,) where these are not uniform;
    rate_hz is then that of the median step, and they need not be in order.
    """

    device: str
    subject: int
    experiment: int
    rate_hz: float
    start_s: float
    values: Samples
    truth: Codes | None
    spans: tuple[LabelledSpan, ...]
    times_s: NDArray[np.float64] | None = None


@dataclass(frozen=True, slots=True)
class WindowTable:
    """Ready windows of several volunteers, row by row.

    values (n, 128, 9) in UCI HAR's channel order; codes (n,) 1..6; subject, experiment (n,), 0 where not
    known; start (n,) 0-based first sample in the recording; continues (n,) tells that a row follows the one
    before it by a hop.
    """

    values: Samples
    codes: Codes
    subject: NDArray[np.int16]
    experiment: NDArray[np.int16]
    start: NDArray[np.int64]
    continues: NDArray[np.bool_]

    def rows(self, chosen: NDArray[np.bool_]) -> WindowTable:
        """Return the rows that a mask chooses."""
        return WindowTable(
            self.values[chosen],
            self.codes[chosen],
            self.subject[chosen],
            self.experiment[chosen],
            self.start[chosen],
            self.continues[chosen],
        )
