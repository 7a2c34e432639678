"""Who sits out while more comes than can be served, so that the others keep whole windows.

A block lost is a window lost, and more: its device begins anew. Where every device loses some, none has labels. So
whole devices sit out, chosen by a hash of their ids: the same ones for as long as it lasts, as many as the measured
capacity asks for, and the first to come back were the last to go. Pure: time and counts come in.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

import numpy as np

from har_stream.shard import REMEMBERED, hashed, mixed

STEP_S: Final = 0.5
"""From one decision to the next."""
SPARE: Final = 0.9
"""Share of the capacity that is used while devices sit out: what waits has to go down."""
NEWEST: Final = 0.6
"""Weight of the last step in the mean of what is offered; devices may send once a step, in time with each other."""
SHARPEST: Final = 0.5
"""What is left of the share that is served after a step, at least: what follows a stall shows less than could be."""
FIRST_GROWTH: Final = 0.05
MORE_GROWTH: Final = 1.4
FASTEST: Final = 1.0
"""What the capacity is taken to have grown by in a step with nothing waiting, and how this grows from step to step."""
FORGOTTEN_S: Final = 5.0
"""After so long without a message all are served again."""


class Shedding:
    """served is the share of all devices that is served, 1.0 where nobody sits out."""

    def __init__(self) -> None:
        self._place = lru_cache(REMEMBERED)(place)
        self._forget()

    def _forget(self) -> None:
        self.served = 1.0
        self._offered_hz = self._capacity_hz = 0.0
        self._was_behind, self._waited = False, (0, 0)
        self._measured_s = self._measured = 0.0
        self._growth = FIRST_GROWTH

    @property
    def active(self) -> bool:
        """Tell whether some sit out."""
        return self.served < 1.0

    def sits_out(self, device: str) -> bool:
        """Tell whether what a device sends is left aside."""
        return self.served < 1.0 and self._place(device) >= self.served

    def step(self, seconds: float, *, offered: int, done: int, waiting: int, behind: bool, calm: bool) -> None:
        """Decide anew, after so many seconds in which messages were offered and done.

        waiting is how many wait; behind tells that these are too many, calm that next to none do.
        """
        if seconds >= FORGOTTEN_S:
            self._forget()
            return
        newest_hz = offered / seconds
        self._offered_hz += (NEWEST if self._offered_hz else 1.0) * (newest_hz - self._offered_hz)
        grows = done > 0 and waiting >= self._waited[0]
        self._waited = self._waited[1], waiting
        if behind and self._was_behind:
            self._measure(seconds, done, grows=grows)
        if not behind:
            self._measured_s = self._measured = 0.0
            self._grow(calm=calm)
        self._was_behind = behind

    def _measure(self, seconds: float, done: int, *, grows: bool) -> None:
        """Learn what can be served; only a step that was behind from its beginning shows it.

        Where what waits goes down, as after a stall, nobody has to go.
        """
        self._measured_s, self._measured = self._measured_s / 2 + seconds, self._measured / 2 + done
        if grows:
            self._capacity_hz = self._measured / self._measured_s
            self.served = min(self.served, max(SHARPEST * self.served, self._share))

    def _grow(self, *, calm: bool) -> None:
        """Let some come back: where less is offered, at once; where it seems that more could be served, by and by."""
        if not calm or not self.active:
            self._growth = FIRST_GROWTH
        elif self.active:
            self._capacity_hz *= 1 + self._growth
            self._growth = min(FASTEST, MORE_GROWTH * self._growth)
        self.served = max(self.served, self._share) if self.active else 1.0

    @property
    def _share(self) -> float:
        return min(1.0, SPARE * self._capacity_hz / self._offered_hz) if self._offered_hz else 1.0


def place(device: str) -> float:
    """Return where a device stands in the line of those who are served, from 0 (the last to go) to 1."""
    return float(mixed(np.array([hashed(device)], np.uint64))[0]) / 2.0**64
