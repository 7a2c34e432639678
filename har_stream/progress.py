"""What the engine has done of what a source brought, so that the source may know how much can be served."""

from __future__ import annotations

from threading import Lock


class Progress:
    """Counts blocks; the engine's thread adds, any other takes."""

    def __init__(self) -> None:
        self._done = 0
        self._changing = Lock()

    def add(self, blocks: int) -> None:
        """Count blocks that are done."""
        with self._changing:
            self._done += blocks

    def take(self) -> int:
        """Return how many were done since the last time."""
        with self._changing:
            done, self._done = self._done, 0
            return done
