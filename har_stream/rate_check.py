"""Whether devices come much faster than their grids were chosen for, measured over and over."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from har_stream.runs import Runs

MUCH_FASTER: Final = 1.5
"""A device so many times its grid's rate was misjudged, or has changed: it begins anew on a finer one."""
CHECKED_SAMPLES: Final = 64
"""Over so many samples a rate is measured to check it."""


class RateCheck:
    """The time of the last sample that was checked, and how many came since, of `rows` devices."""

    def __init__(self, *, rows: int) -> None:
        self._checked_s = np.zeros(rows)
        self._unchecked = np.zeros(rows, np.int64)

    def begin(self, row: int, time_s: float) -> None:
        """Take a stream's first sample."""
        self._checked_s[row], self._unchecked[row] = time_s, 1

    def is_well(self, row: int, time_s: float, grid_s: float) -> bool:
        """Take one sample of one device; False, and it is for faster(), where a finer grid may be needed."""
        unchecked = self._unchecked.item(row) + 1
        if unchecked >= CHECKED_SAMPLES:
            interval_s = (time_s - self._checked_s.item(row)) / CHECKED_SAMPLES
            if not grid_s <= MUCH_FASTER * interval_s:
                return False
            self._checked_s[row], unchecked = time_s, 0
        self._unchecked[row] = unchecked
        return True

    def faster(self, runs: Runs, grid_s: NDArray[np.float64]) -> dict[int, tuple[int, float]]:
        """Take samples; return, by their place, devices that need a finer grid than one of intervals grid_s (d,).

        From which sample on they need it, and their interval.
        """
        rows, before = runs.rows, self._unchecked[runs.rows]
        unchecked = self._unchecked[rows] = before + runs.lengths
        if unchecked.max() < CHECKED_SAMPLES:
            return {}
        due = np.flatnonzero(unchecked >= CHECKED_SAMPLES)
        first = CHECKED_SAMPLES - 1 - before
        newest_s = runs.flat.times_s[(runs.starts + first)[due]]
        interval_s = (newest_s - self._checked_s[rows[due]]) / CHECKED_SAMPLES
        well = (grid_s[due] <= MUCH_FASTER * interval_s) & (unchecked[due] < 2 * CHECKED_SAMPLES)
        self._checked_s[rows[due[well]]] = newest_s[well]
        self._unchecked[rows[due[well]]] -= CHECKED_SAMPLES
        found = {}
        for lane in due[~well].tolist():  # what holds more than one checked sample, or one that tells a higher rate
            told = self._look(int(rows[lane]), runs.one(lane).times_s, int(first[lane]), float(grid_s[lane]))
            if told is not None:
                found[lane] = told
        return found

    def _look(self, row: int, times_s: NDArray[np.float64], first: int, grid_s: float) -> tuple[int, float] | None:
        checked_s = times_s[first::CHECKED_SAMPLES]
        interval_s = np.diff(checked_s, prepend=self._checked_s[row]) / CHECKED_SAMPLES
        self._checked_s[row] = checked_s[-1]
        self._unchecked[row] %= CHECKED_SAMPLES
        faster = np.flatnonzero(grid_s > MUCH_FASTER * interval_s)
        if not len(faster):
            return None
        return int(first + faster[0] * CHECKED_SAMPLES + 1), float(interval_s[faster[0]])
