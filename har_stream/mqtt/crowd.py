"""Whether many messages come: then to wait a moment for more of them costs nobody much, and saves most of the work."""

from __future__ import annotations

import itertools
import time
from collections import deque

MANY, MANY_S = 50, 0.1
"""So many messages within such a time are no lone device's: to take in one costs most of what 50 together do."""


class Crowd:
    """Knows when the last MANY messages came."""

    def __init__(self) -> None:
        self._lately_s: deque[float] = deque(maxlen=MANY)

    def note(self, messages: int) -> None:
        """Note messages that have come just now."""
        self._lately_s.extend(itertools.repeat(time.monotonic(), min(messages, MANY)))

    @property
    def comes(self) -> bool:
        """Tell whether many messages come."""
        return len(self._lately_s) == MANY and time.monotonic() - self._lately_s[0] < MANY_S
