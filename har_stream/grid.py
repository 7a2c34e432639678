"""Grids in time, and the points of them that samples were read off at."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Final

import numpy as np
from numpy.typing import NDArray

from har_stream.butterworth import delay_s, low_pass_sections
from har_stream.samples import Codes

LOW_PASS_ORDER: Final = 8
LOW_PASS_CUTOFF: Final = 0.46
"""Of the model's rate: 0.4 dB down at 20 Hz, 18 dB at 30, which would come back as 20."""
SLOW_HZ: Final = 0.5
"""Where the low-pass' delay is taken: it is nearly the same for all that people do."""


@dataclass(frozen=True, slots=True)
class Grid:
    """Points `fine` times as dense as the model's samples.

    Point j lies phase_s + j * interval_s after the stream's first sample; points skip, skip + fine, ... leave the
    low-pass as the model's samples 0, 1, ... by whose times they are delay_s late.
    """

    fine: int
    interval_s: float
    phase_s: float
    skip: int

    @classmethod
    def of(cls, fine: int, rate_hz: float) -> Grid:
        """Return the grid whose points lie so that the low-pass' delay is made up for."""
        interval_s = 1 / (fine * rate_hz)
        if fine == 1:
            return cls(fine, interval_s, 0.0, 0)
        sections = low_pass_sections(LOW_PASS_ORDER, LOW_PASS_CUTOFF * rate_hz, rate_hz=fine * rate_hz)
        late_s = delay_s(sections, SLOW_HZ, rate_hz=fine * rate_hz)
        skip = int(late_s // interval_s)
        return cls(fine, interval_s, late_s - skip * interval_s, skip)


@dataclass(frozen=True, slots=True)
class Points:
    """Points of grids, each device's one after the other.

    lane (p,) tells the device; number (p,) which of its grid's points it is; values (p, 6), truth (p,); taken (p,) how
    many of the samples that waited or are new lie at or before it; bridged (p,) marks those in a gap.
    """

    lane: NDArray[np.intp]
    number: NDArray[np.int64]
    values: NDArray[np.float64]
    truth: Codes
    taken: NDArray[np.int64]
    bridged: NDArray[np.bool_]

    def only(self, chosen: NDArray[np.bool_]) -> Points:
        """Return the points that a mask chooses."""
        return Points(*(getattr(self, field.name)[chosen] for field in fields(Points)))
