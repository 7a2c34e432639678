"""How long to wait between attempts to reach what is away: doubling, with jitter, quick at first."""

from __future__ import annotations

from random import Random
from typing import Final

QUICK_S: Final = 4.0
"""Longest delay while it is away for less than QUICK_FOR_S: who plugs it in or starts it sees it taken up at once."""

QUICK_FOR_S: Final = 60.0

JITTER: Final = 0.15
"""Share by which a delay may be shorter, so that those who lost the same thing do not all come back at once."""


class Backoff:
    """The delays of one thing that is to be reached, from least_s, doubling up to most_s."""

    def __init__(self, *, least_s: float, most_s: float, random: Random | None = None) -> None:
        self._least_s, self._most_s = min(least_s, most_s), most_s
        self._random = random or Random()  # noqa: S311 - spreads attempts, hides nothing
        self._since_s: float | None = None
        self._delay_s = 0.0

    def reset(self) -> None:
        """Begin anew: it was reached, and stayed."""
        self._since_s, self._delay_s = None, 0.0

    def missed(self, now_s: float) -> float:
        """Return the delay in s after an attempt at `now_s` that did not reach it, or after it was lost."""
        self._since_s = now_s if self._since_s is None else self._since_s
        self._delay_s = min(max(2 * self._delay_s, self._least_s), self._most_s)
        if now_s - self._since_s < QUICK_FOR_S:
            self._delay_s = min(self._delay_s, max(QUICK_S, self._least_s))
        return self._jittered(self._delay_s)

    def refused(self) -> float:
        """Return the delay in s after an attempt that was turned down, as the next one will be too: the longest."""
        return self._jittered(self._most_s)

    def _jittered(self, delay_s: float) -> float:
        return delay_s * self._random.uniform(1 - JITTER, 1)
