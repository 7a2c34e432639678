"""How many of a source's messages the engine is through with, so that the source may know how much can be served.

A message may become many blocks or none, so neither blocks nor samples would tell.
"""

from __future__ import annotations

import math
from threading import Lock
from typing import Final, NamedTuple


class Done(NamedTuple):
    """Messages that were done in span_s, from the end of a tick to that of another.

    busy_s of it were work, of that thread that had more to do: as fast as it goes they would take no longer.
    """

    messages: int
    busy_s: float
    span_s: float


NOTHING: Final = Done(0, 0.0, 0.0)


class Progress:
    """Counts messages: the source's thread brings them, the engine's adds those done, any other takes their number."""

    def __init__(self) -> None:
        self._brought = self._done = 0
        self._translating_s = self._busy_s = 0.0
        self._ended_s = self._taken_s = -math.inf
        self._changing = Lock()

    def bring(self, messages: int, *, busy_s: float) -> None:
        """Count messages of which the next tick is made, and how long that took (source's thread)."""
        self._brought += messages
        with self._changing:
            self._translating_s += busy_s

    def brought(self) -> int:
        """Return how many make up the tick that goes to the engine now (source's thread)."""
        brought, self._brought = self._brought, 0
        return brought

    def add(self, messages: int, *, busy_s: float, ended_s: float) -> None:
        """Count messages that are done, how long that took, and when it ended."""
        with self._changing:
            self._done += messages
            self._busy_s += busy_s
            self._ended_s = ended_s

    def take(self) -> Done:
        """Return what was done since the last time; nothing where no tick had ended then."""
        with self._changing:
            span_s = self._ended_s - self._taken_s
            done = Done(self._done, max(self._translating_s, self._busy_s), span_s)
            self._done, self._translating_s, self._busy_s, self._taken_s = 0, 0.0, 0.0, self._ended_s
            return done if math.isfinite(span_s) else NOTHING
