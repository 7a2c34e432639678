"""When things were, in seconds since the epoch: a device's own clock may count from when it was switched on.

Of live devices the label that came with the least delay tells how far a device's clock is from ours, so what a device
held back and sends in a burst is placed where it was. Recordings and simulations have no arrival that means anything:
their clocks go on from an origin, or are right by themselves where they already count from the epoch.
No I/O and no clock: arrivals come in with the data.
"""

from __future__ import annotations

from typing import Final, Protocol

from har_stream.samples import Prediction

LONGEST_DELAY_S: Final = 3600.0
"""What seems to come later than this was no burst: a clock was set, or stood still while its device slept."""
EPOCH_LIKE_S: Final = 1e9
"""A clock that shows this much (September 2001) counts from the epoch; nothing has been switched on for so long."""


class WallClock(Protocol):
    """Tells when the windows of predictions ended."""

    def stamp(self, predictions: list[Prediction], wall_s: float) -> list[Prediction]:
        """Give a tick's predictions, each device's in order, their wall_s, and return them; they arrived at wall_s."""


class LiveClock:
    """By arrivals, for the `limit` devices that were heard of last."""

    def __init__(self, *, limit: int) -> None:
        self._limit = limit
        self._known: dict[str, tuple[float, float]] = {}

    def stamp(self, predictions: list[Prediction], wall_s: float) -> list[Prediction]:
        """Place predictions that arrived at wall_s, none of them after it."""
        offsets_s: dict[str, float] = {}
        for one in reversed(predictions):  # a device's newest tells
            device, end_s = one.device, one.end_s
            offset_s = offsets_s.get(device)
            if offset_s is None:
                offset_s = offsets_s[device] = self._offset(device, end_s, wall_s)
            one.wall_s = min(wall_s, end_s + offset_s)
        return predictions

    def _offset(self, device: str, end_s: float, wall_s: float) -> float:
        """Return what to add to a device's clock, given its newest time."""
        before_s, offset_s = self._known.pop(device, (end_s, wall_s - end_s))
        delay_s = wall_s - (end_s + offset_s)
        if end_s < before_s or not 0 <= delay_s <= LONGEST_DELAY_S:
            offset_s = wall_s - end_s
        self._known[device] = end_s, offset_s
        while len(self._known) > self._limit:
            del self._known[next(iter(self._known))]
        return offset_s


class RecordedClock:
    """By the devices' clocks, whose zero was at origin_s, in s since the epoch."""

    def __init__(self, origin_s: float) -> None:
        self._origin_s = origin_s

    def stamp(self, predictions: list[Prediction], wall_s: float) -> list[Prediction]:
        """Place predictions, whenever they arrived."""
        for one in predictions:
            one.wall_s = self._placed(one.end_s)
        return predictions

    def _placed(self, end_s: float) -> float:
        return end_s if end_s >= EPOCH_LIKE_S else self._origin_s + end_s
