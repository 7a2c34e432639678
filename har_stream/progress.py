"""How many of a source's messages the engine is through with, so that the source may know how much can be served.

A message may become many blocks or none, so neither blocks nor samples would tell.
"""

from __future__ import annotations

from threading import Lock


class Progress:
    """Counts messages: the source's thread brings them, the engine's adds those done, any other takes their number."""

    def __init__(self) -> None:
        self._brought = self._done = 0
        self._changing = Lock()

    def bring(self, messages: int) -> None:
        """Count messages of which the next tick is made (source's thread)."""
        self._brought += messages

    def brought(self) -> int:
        """Return how many make up the tick that goes to the engine now (source's thread)."""
        brought, self._brought = self._brought, 0
        return brought

    def add(self, messages: int) -> None:
        """Count messages that are done."""
        with self._changing:
            self._done += messages

    def take(self) -> int:
        """Return how many were done since the last time."""
        with self._changing:
            done, self._done = self._done, 0
            return done
