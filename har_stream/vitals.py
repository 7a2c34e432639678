"""How the stream and each of its parts stand, as read at one moment by whoever watches it.

A condition is "" where all is well, else what is wrong, in words.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from har_stream.accounting import Books
from har_stream.plausibility import Suspicion


@dataclass(frozen=True, slots=True)
class Reading:
    """The engine's books between two ticks: samples in = used + refused + dropped + buffered.

    labels counts the windows that were given each label; late tells that the engine did not let them be read, and
    that these are what was read before.
    """

    books: Books
    buffered: int
    devices: int
    suspicions: dict[str, Suspicion]
    labels: dict[str, int]
    late: bool = False


@dataclass(frozen=True, slots=True)
class SinkVitals:
    """A sink, and the labels that it took and lost and that wait for it, of which `limit` may."""

    name: str
    condition: str
    written: int
    dropped: int
    waiting: int = 0
    limit: int = 0


@dataclass(frozen=True, slots=True)
class RecordingVitals:
    """The recorder, and the samples that it wrote and lost."""

    condition: str
    recorded: int
    lost: int
    files: int


@dataclass(frozen=True, slots=True)
class Vitals:
    """All parts; recording is None where nothing is recorded, state the condition of the file that keeps devices."""

    model: str
    ending: bool
    stream: Reading
    source: str
    reconnects: int
    sinks: tuple[SinkVitals, ...]
    recording: RecordingVitals | None
    state: str


class Watched(Protocol):
    """A stream that can be watched, from any thread."""

    @property
    def alive(self) -> bool:
        """Tell whether the engine lives; never waits."""

    def vitals(self) -> Vitals:
        """Return how all parts stand."""
