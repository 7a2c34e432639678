"""How long: since when the label in force of each device is in force, in the device's own clock.

A silence of at most LONGEST_GAP_S between two windows' ends does not end an activity: who walked before and walks after
it has walked on. After a longer one, or where the clock was set back, the activity begins anew.
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray

from har_stream.samples import Rows

LONGEST_GAP_S: Final = 10.0
NOTHING: Final = (math.nan, math.nan, 0)
"""Of who has had no window: NaN lasts for no time."""


class Lasting:
    """Labels in force, since when, and until when they were heard of last, of devices by their rows."""

    def __init__(self) -> None:
        self._kept: dict[int, tuple[float, float, int]] = {}

    def reset(self, row: int) -> None:
        """Know nothing of a row's device."""
        self._kept.pop(row, None)

    def push(self, rows: list[int], end_s: list[float], in_force: list[int]) -> list[float]:
        """Take labels in force (w,) of windows that end at end_s (w,), each device's in order; return since when.

        A label that is in force from this window on is so since its end.
        """
        kept, told = self._kept, []
        for row, now_s, label in zip(rows, end_s, in_force, strict=True):
            heard_s, since_s, before = kept.get(row, NOTHING)
            if label != before or not 0 <= now_s - heard_s <= LONGEST_GAP_S:
                since_s = now_s
            kept[row] = now_s, since_s, label
            told.append(since_s)
        return told

    def snapshot(self, rows: Rows) -> NDArray[np.float64]:
        """Return (d, 3): the end of the last window in s, since when its label is in force in s, the label's index."""
        return np.array([self._kept.get(row, NOTHING) for row in rows.tolist()]).reshape(len(rows), len(NOTHING))

    def resume(self, rows: Rows, kept: NDArray[np.float64], end_s: NDArray[np.float64]) -> None:
        """Take what snapshot() gave (d, 3) as if it had been told until end_s (d,)."""
        for row, (_, since_s, label), until_s in zip(rows.tolist(), kept.tolist(), end_s.tolist(), strict=True):
            self._kept[row] = until_s, since_s, int(label)
