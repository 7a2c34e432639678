"""Grids in time, and the points of them that samples were read off at."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

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


@dataclass(slots=True)  # to freeze it would treble its cost, which is paid for each sample of a lone device
class Points:
    """Points of d devices' grids, each device's one after the other.

    counts (d,) tells how many each has; number (p,) which of its grid's points each is; values (p, 6), truth (p,);
    taken (p,) how many of the samples that waited or are new lie at or before it; bridged (p,) marks those in a gap.
    """

    counts: NDArray[np.int64]
    number: NDArray[np.int64]
    values: NDArray[np.floating[Any]]
    truth: Codes
    taken: NDArray[np.int64]
    bridged: NDArray[np.bool_]

    def of(self, members: NDArray[np.intp]) -> NDArray[np.intp]:
        """Return where the points lie (m, k) of m devices that have equally many."""
        firsts = self.counts.cumsum() - self.counts
        return np.asarray(firsts[members, np.newaxis] + np.arange(self.counts[members[0]]))

    def only(self, places: NDArray[np.intp], counts: NDArray[np.int64]) -> Points:
        """Return some of the points, of which each device has its count."""
        return Points(
            counts,
            self.number[places],
            self.values.take(places, axis=0),
            self.truth[places],
            self.taken[places],
            self.bridged[places],
        )
