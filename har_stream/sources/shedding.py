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
FASTEST: Final = 2.0
"""By how much the share that is served may grow in a step."""
FORGOTTEN_S: Final = 5.0
"""After so long without a message all are served again."""
LEAST_BUSY_S: Final = 1e-3
SALT: Final = np.uint64(0xD1B54A32D192ED03)
"""So that those who sit out are not those of one shard."""


class Shedding:
    """served is the share of all devices that is served, 1.0 where nobody sits out."""

    def __init__(self) -> None:
        self.served = 1.0
        self._offered_hz = 0.0
        self._was_behind = False
        self._place = lru_cache(REMEMBERED)(place)

    @property
    def active(self) -> bool:
        """Tell whether some sit out."""
        return self.served < 1.0

    def sits_out(self, device: str) -> bool:
        """Tell whether what a device sends is left aside."""
        return self.served < 1.0 and self._place(device) >= self.served

    def step(self, seconds: float, *, offered: int, taken: int, busy_s: float, behind: bool) -> None:
        """Decide anew, after so many seconds in which messages were offered and taken.

        busy_s is for how long whoever takes them was at work; behind tells that too much waits.
        """
        if seconds >= FORGOTTEN_S:  # there was nobody, and what was before is past
            self.served, self._offered_hz, self._was_behind = 1.0, 0.0, False
            return
        mean_hz, newest_hz = self._offered_hz, offered / seconds
        self._offered_hz = NEWEST * newest_hz + (1 - NEWEST) * mean_hz if mean_hz else newest_hz
        # Only a step that was behind from its beginning shows what can be served; and a stall shows nothing.
        if behind and self._was_behind and taken:
            self.served = min(self.served, self._share(taken / seconds))
        elif self.active and not behind:
            could = self._share(taken / max(busy_s, LEAST_BUSY_S)) if taken else 1.0
            self.served = min(1.0, max(self.served, min(could, FASTEST * self.served)))
        self._was_behind = behind

    def _share(self, capacity_hz: float) -> float:
        return SPARE * capacity_hz / max(self._offered_hz, capacity_hz * SPARE)


def place(device: str) -> float:
    """Return where a device stands in the line of those who are served, from 0 (the last to go) to 1."""
    return float(mixed(np.array([hashed(device)], np.uint64) ^ SALT)[0]) / 2.0**64
