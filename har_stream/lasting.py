"""How long: since when the label in force of each device is in force, in the device's own clock.

A silence of at most LONGEST_GAP_S between two windows' ends does not end an activity: who walked before and walks after
it has walked on. After a longer one, or where the clock was set back, the activity begins anew.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from har_stream.batch import laps
from har_stream.samples import Rows

LONGEST_GAP_S: Final = 10.0


class Lasting:
    """Labels in force, since when, and until when they were heard of last, for `rows` devices."""

    def __init__(self, *, rows: int) -> None:
        self._label = np.zeros(rows, np.int64)
        self._since_s = np.zeros(rows)
        self._end_s = np.full(rows, np.nan)

    def reset(self, row: int) -> None:
        """Know nothing of a row's device."""
        self._end_s[row] = np.nan

    def push(self, rows: Rows, end_s: NDArray[np.float64], in_force: NDArray[np.int64]) -> NDArray[np.float64]:
        """Take labels in force (w,) of windows that end at end_s (w,), each device's in order; return since when.

        A label that is in force from this window on is so since its end.
        """
        since_s = np.empty(len(rows))
        for lap in laps(rows):
            since_s[lap] = self._step(rows[lap], end_s[lap], in_force[lap])
        return since_s

    def _step(self, rows: Rows, end_s: NDArray[np.float64], in_force: NDArray[np.int64]) -> NDArray[np.float64]:
        passed_s = end_s - self._end_s[rows]  # NaN, which compares false, where nothing is known
        goes_on = (in_force == self._label[rows]) & (passed_s >= 0) & (passed_s <= LONGEST_GAP_S)
        since_s = np.where(goes_on, self._since_s[rows], end_s)
        self._label[rows], self._since_s[rows], self._end_s[rows] = in_force, since_s, end_s
        return since_s

    def snapshot(self, rows: Rows) -> NDArray[np.float64]:
        """Return (d, 3): the end of the last window in s, since when its label is in force in s, the label's index."""
        return np.column_stack([self._end_s[rows], self._since_s[rows], self._label[rows]])

    def resume(self, rows: Rows, kept: NDArray[np.float64], end_s: NDArray[np.float64]) -> None:
        """Take what snapshot() gave (d, 3) as if it had been told until end_s (d,)."""
        self._since_s[rows], self._label[rows] = kept[:, 1], kept[:, 2].astype(np.int64)
        self._end_s[rows] = end_s
