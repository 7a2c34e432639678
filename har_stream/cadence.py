"""When the samples that complete a lone device's next window will come: told from how its samples have come so far.

           |<-- interval -->|
    ---*---------*-----------*---------(*)--------(*)---    arrivals, and those to come
       label                                     due

A window is complete hop samples after the last one, in the device's clock; and its samples arrive as regularly as it
sends them, give or take what systems and buses on the way make of it. Phase and interval of arrivals follow by a filter
of fading memory (alpha-beta; E. Brookner, Tracking and Kalman Filtering Made Easy, 1998, ch. 1).
"""

from __future__ import annotations

import math
from typing import Final

from har_stream.denoising import DELAY_SAMPLES
from har_stream.manifest import Framing

LAST_AGE: Final = 10
"""Arrivals: where the fading memory ends to grow."""
INTERVAL_GAIN: Final = 0.005
"""Share of an arrival's deviation by which the interval follows."""
SHORTEST_S: Final = 1e-4
LONGEST_S: Final = 10.0
"""From block to block; what is said to be shorter or longer is no pace."""
STEADY: Final = 0.5
"""In intervals: what comes farther from when it was to come begins a new cadence."""
UNKNOWN_EARLY: Final = 0.05
"""In intervals: by how much something may come early of which nothing is known yet."""
EARLIEST: Final = 2.5
"""In mean deviations: next to nothing comes earlier. Of what is spread evenly nothing does."""


class Cadence:
    """The arrivals of one device's blocks; all times in s, arrivals by one monotonic clock.

    due_s is when the block that completes the next window will come, inf where nobody knows; early_s by how much it may
    come earlier.
    """

    def __init__(self, framing: Framing) -> None:
        self._next_window_s = (framing.hop + DELAY_SAMPLES) / framing.rate_hz
        self._half_sample_s = 0.5 / framing.rate_hz
        self._complete_s = math.nan
        self._newest_s = math.nan
        self._age = 0
        self._expected_s = self._interval_s = self._step_s = 0.0
        self.due_s = math.inf
        self.early_s = 0.0

    def note(self, arrived_s: float, newest_s: float, window_end_s: float | None) -> None:
        """Take an arrival: when, the time of its newest sample in the device's clock, and the end of a window there.

        window_end_s is the time of the last sample of the newest window that it completed, None where it completed
        none.
        """
        step_s, self._newest_s = newest_s - self._newest_s, newest_s
        if window_end_s is not None:
            self._complete_s = window_end_s + self._next_window_s
        self._follow(arrived_s, step_s)
        blocks = math.ceil((self._complete_s - newest_s - self._half_sample_s) / step_s) if self._age else 0
        self.due_s = self._expected_s + blocks * self._interval_s if blocks > 0 else math.inf

    def _follow(self, arrived_s: float, step_s: float) -> None:
        """Correct phase and interval by an arrival that is step_s later than the one before, in the device's clock."""
        steady = abs(step_s - self._step_s) <= STEADY * self._step_s
        late_s = arrived_s - (self._expected_s + self._interval_s)
        if not (self._age and steady and abs(late_s) <= STEADY * self._interval_s):
            possible = SHORTEST_S <= step_s <= LONGEST_S  # a device's clock may tell anything
            self._age = int(possible and not math.isnan(self._complete_s))
            self._interval_s = self._step_s = step_s if possible else 0.0
            self._expected_s, self.early_s = arrived_s, UNKNOWN_EARLY * self._interval_s
            return
        self._age = min(self._age + 1, LAST_AGE)
        self._expected_s += self._interval_s + late_s / self._age
        self._interval_s += INTERVAL_GAIN * late_s
        self._step_s = step_s
        self.early_s += (EARLIEST * abs(late_s) - self.early_s) / self._age
