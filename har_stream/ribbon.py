"""What a device did in the last hour of its own clock: settled labels as spans, in memory alone."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Final

from har_stream.samples import Settled

SPAN_S: Final = 3600.0
MOST_SPANS: Final = 2000
"""More than an hour of labels that change at every hop would need at the usual hop; a bound for any other."""
JOINED_S: Final = 0.1
"""Spans of one label so close to one another are one."""


@dataclass(slots=True)
class Span:
    """A label from start_s to end_s, end exclusive."""

    start_s: float
    end_s: float
    label: str


class Ribbon:
    """The spans of one device; `turn` counts how often its clock was set back, and all began anew."""

    def __init__(self) -> None:
        self._spans: deque[Span] = deque(maxlen=MOST_SPANS)
        self.turn = 0

    def add(self, settled: Settled) -> None:
        """Put a span behind the others."""
        last = self._spans[-1] if self._spans else None
        if last is not None and settled.start_s < last.end_s - JOINED_S:
            self._spans.clear()
            self.turn += 1
            last = None
        if last is not None and last.label == settled.label and settled.start_s - last.end_s <= JOINED_S:
            last.end_s = settled.end_s
        else:
            self._spans.append(Span(settled.start_s, settled.end_s, settled.label))
        while self._spans[0].end_s < settled.end_s - SPAN_S:
            self._spans.popleft()

    def since(self, end_s: float) -> list[Span]:
        """Return the spans that reach beyond end_s, the oldest first."""
        found = []
        for span in reversed(self._spans):
            if span.end_s <= end_s:
                break
            found.append(span)
        return found[::-1]
