"""When which device is announced and its state told. No I/O, no clock: time comes in.

A device is announced when it is new, and all are when Home Assistant has come back: after a moment that differs from
daemon to daemon, so many a second, so that a house full of devices does not speak at once. A state is told when its
activity changes, and else every `every_s` at most.
"""

from __future__ import annotations

from collections import deque
from typing import Final

ANNOUNCED_A_SECOND: Final = 50
LONGEST_DELAY_S: Final = 3.0


class Timetable:
    """The times of the `limit` devices that were heard of last."""

    def __init__(self, *, every_s: float, limit: int) -> None:
        self._every_s, self._limit = every_s, limit
        self._told: dict[str, tuple[float, str]] = {}
        self._waiting: deque[str] = deque()
        self._begun_s = 0.0
        self._announced = 0

    def is_new(self, device: str) -> bool:
        """Tell whether a device is not known yet."""
        return device not in self._told

    def due(self, device: str, activity: str, now_s: float) -> bool:
        """Tell whether a device's state is to be told now, and take it that it is."""
        told_s, told = self._told.get(device, (-self._every_s, ""))
        if told == activity and now_s - told_s < self._every_s:
            return False
        self._told.pop(device, None)
        self._told[device] = now_s, activity
        return True

    def forgotten(self) -> list[str]:
        """Return and forget the devices that there is no place for, those told longest ago."""
        gone = []
        while len(self._told) > self._limit:
            gone.append(next(iter(self._told)))
            del self._told[gone[-1]]
        return gone

    def announce_all(self, now_s: float, *, share: float) -> None:
        """Have all devices announced again, beginning after a share (0 to 1) of LONGEST_DELAY_S."""
        self._begun_s, self._announced = now_s + share * LONGEST_DELAY_S, 0
        self._waiting = deque(self._told)

    def to_announce(self, now_s: float) -> list[str]:
        """Return the devices whose turn has come to be announced again."""
        if not self._waiting or now_s < self._begun_s:
            return []
        so_far = 1 + int((now_s - self._begun_s) * ANNOUNCED_A_SECOND)
        turn = [self._waiting.popleft() for _ in range(min(so_far - self._announced, len(self._waiting)))]
        self._announced += len(turn)
        return [device for device in turn if device in self._told]

    @property
    def devices(self) -> list[str]:
        """All devices that are known."""
        return list(self._told)
