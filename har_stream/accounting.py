"""The books of the stream: samples in = used + refused{reason} + dropped{reason} + buffered, at all times.

A sample is used once a window that holds it goes to the classifier; refused where the intake would not have it; dropped
where it was good but could not be used; until then it is buffered. What is buffered is counted where it lies
(queue, resampling and windows), so that the equation is a check and not a definition. Samples that bridge a gap are
none of the device's, and counted beside the books.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from threading import Lock


@dataclass(frozen=True, slots=True)
class Books:
    """The counters at one moment."""

    samples_in: int
    used: int
    refused: dict[str, int]
    dropped: dict[str, int]
    bridged: int


@dataclass
class Accounting:
    """Counters that several threads add to."""

    samples_in: int = 0
    used: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    dropped: Counter[str] = field(default_factory=Counter)
    bridged: int = 0
    _lock: Lock = field(default_factory=Lock, repr=False)

    def enter(self, samples: int) -> None:
        """Count samples that a source brought."""
        with self._lock:
            self.samples_in += samples

    def use(self, samples: int) -> None:
        """Count samples that their first window has used."""
        with self._lock:
            self.used += samples

    def refuse(self, reason: str, samples: int) -> None:
        """Count samples that are not lawful."""
        with self._lock:
            self.refused[reason] += samples

    def drop(self, reason: str, samples: int) -> None:
        """Count good samples that are lost."""
        if samples:
            with self._lock:
                self.dropped[reason] += samples

    def bridge(self, samples: int) -> None:
        """Count samples at the model's rate that were interpolated in a gap."""
        if samples:
            with self._lock:
                self.bridged += samples

    def balance(self, buffered: int) -> int:
        """Return in - (used + refused + dropped + buffered): 0 where the books are right."""
        with self._lock:
            return self.samples_in - (self.used + self.refused.total() + self.dropped.total() + buffered)

    def snapshot(self) -> Books:
        """Return a copy of all counters, taken at one moment."""
        with self._lock:
            return Books(self.samples_in, self.used, dict(self.refused), dict(self.dropped), self.bridged)

    def line(self, buffered: int) -> str:
        """Return the books as one line."""
        return book_line(self.snapshot(), buffered)


def book_line(books: Books, buffered: int) -> str:
    """Return books as one line."""
    bridged = f"; {books.bridged} bridged" if books.bridged else ""
    return (
        f"samples in {books.samples_in} = used {books.used} + refused {_detail(books.refused)}"
        f" + dropped {_detail(books.dropped)} + buffered {buffered}{bridged}"
    )


def _detail(counts: Mapping[str, int]) -> str:
    reasons = ", ".join(f"{reason} {count}" for reason, count in sorted(counts.items()))
    return f"{sum(counts.values())} ({reasons})" if reasons else "0"
