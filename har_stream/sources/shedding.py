"""Who sits out while more comes than can be served, so that the others keep whole windows.

A block lost is a window lost, and more: its device begins anew. Where every device loses some, none has labels. So
whole devices sit out, chosen by a hash of their ids: the same ones for as long as it lasts, as many as the measured
capacity asks for, and the first to come back were the last to go. Pure: time and counts come in.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

import numpy as np

from har_stream.progress import Done
from har_stream.shard import REMEMBERED, hashed, mixed

STEP_S: Final = 0.5
"""From one decision to the next."""
SPARE: Final = 0.8
"""Share of the capacity that is used while devices sit out."""
DRAINING: Final = 0.7
"""The same while messages wait: they have to become fewer."""
NEWEST: Final = 0.6
"""Weight of the last step in the mean of what is offered; devices may send once a step, in time with each other."""
SHARPEST: Final = 0.5
"""What is left of the share that is served after a step, at least: what follows a stall shows less than could be."""
HOLD_S: Final = 4.0
"""Before more is thought possible: who comes back costs next to nothing until it has a whole window, of 2.56 s."""
MORE: Final = 2.0
"""How many times as much is tried where nobody at all is served."""
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
        self._lately_done = self._lately_busy_s = self._held_s = 0.0

    @property
    def active(self) -> bool:
        """Tell whether some sit out."""
        return self.served < 1.0

    def sits_out(self, device: str) -> bool:
        """Tell whether what a device sends is left aside."""
        return self.served < 1.0 and self._place(device) >= self.served

    def step(self, seconds: float, *, offered: int, done: Done, waiting: int, behind: bool, calm: bool) -> None:
        """Decide anew, after so many seconds in which messages were offered and done.

        waiting is how many wait; behind tells that these are too many, calm that next to none do.
        """
        if seconds >= FORGOTTEN_S:
            self._forget()
            return
        self._offered_hz += (NEWEST if self._offered_hz else 1.0) * (offered / seconds - self._offered_hz)
        self._lately_done = self._lately_done / 2 + done.messages
        self._lately_busy_s = self._lately_busy_s / 2 + done.busy_s
        grows = done.messages > 0 and waiting >= self._waited[0]
        self._waited = self._waited[1], waiting
        if behind and self._was_behind:
            self._measure(done, grows=grows)
        if not behind:
            self._measured_s = self._measured = 0.0
            self._grow(seconds, calm=calm)
        self._was_behind = behind

    def _measure(self, done: Done, *, grows: bool) -> None:
        """Learn what can be served; only a step that was behind from its beginning shows it.

        Where what waits goes down, as after a stall, nobody has to go.
        """
        self._measured_s, self._measured = self._measured_s / 2 + done.span_s, self._measured / 2 + done.messages
        if grows and self._measured_s:
            self._capacity_hz = self._measured / self._measured_s
            self.served = min(self.served, max(SHARPEST * self.served, self._share(DRAINING)))

    def _grow(self, seconds: float, *, calm: bool) -> None:
        """Let some come back: where less is offered, at once; where time was left, as many as would have filled it."""
        if not self.active:
            return
        self._held_s += seconds
        if calm and self._held_s >= HOLD_S:
            self._capacity_hz = max(self._capacity_hz, self._possible_hz)
        share = self._share(SPARE if calm else DRAINING)
        if share > self.served:
            self.served, self._held_s = share, 0.0

    @property
    def _possible_hz(self) -> float:
        """How many would be done in all of the time; where none were, as of few devices with much each, more."""
        if self._lately_done < 1 or not self._lately_busy_s:
            return MORE * self._capacity_hz
        return self._lately_done / self._lately_busy_s

    def _share(self, used: float) -> float:
        """Return the share of all that is offered that takes so much of the capacity."""
        return min(1.0, used * self._capacity_hz / self._offered_hz) if self._offered_hz else 1.0


def place(device: str) -> float:
    """Return where a device stands in the line of those who are served, from 0 (the last to go) to 1."""
    return float(mixed(np.array([hashed(device)], np.uint64))[0]) / 2.0**64
