"""What the live page shows: the engine leaves it here tick by tick, pages fetch it at a pace of their own.

    engine thread: note -> Live -> look, since, closeup: threads of pages

The label of each device and its last hour are kept at all times, which costs a few steps a label. Samples, rates and
what is refused are looked at for those devices alone that a page is open on, and for as long.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Lock
from typing import Final

import numpy as np
from numpy.typing import NDArray

from har_stream.closeup import Closeup, Cursor, closeup_of
from har_stream.manifest import Framing
from har_stream.ribbon import Ribbon
from har_stream.samples import Block, Prediction
from har_stream.signals import OwnRate, Signals
from har_stream.taps import Taps

BROKEN: Final = 1.5
"""In hops: windows farther apart have a gap between them."""


@dataclass(slots=True)
class Seen:
    """A device as it stands; latency_s is from the arrival of its samples to its label, NaN where that is not known."""

    prediction: Prediction | None = None
    seen_s: float = 0.0
    latency_s: float = math.nan
    gaps: int = 0
    lost_s: float = 0.0
    mark: int = 0
    ribbon: Ribbon = field(default_factory=Ribbon)


@dataclass(slots=True)
class Watched:
    """What is gathered about a device while pages are open on it."""

    signals: Signals
    rate: OwnRate = field(default_factory=OwnRate)
    reference: NDArray[np.float64] | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """A device in the list: shares of each label in per cent, seconds in its activity, and since it was last heard."""

    device: str
    label: str | None
    shares: tuple[int, ...]
    seconds: float
    age_s: float


class Live:
    """The `limit` devices that were heard of last. Times of now_s and seen_s are those of one monotonic clock."""

    def __init__(self, *, limit: int, labels: tuple[str, ...], framing: Framing) -> None:
        self.labels, self.framing = labels, framing
        self._limit = limit
        self._hop_s = framing.hop / framing.rate_hz
        self._lock = Lock()
        self._seen: dict[str, Seen] = {}
        self._mark = 0
        self._pages = 0
        self._looks: Counter[str] = Counter()
        self._watched: dict[str, Watched] = {}
        self._wanted: frozenset[str] = frozenset()
        self.generation = 0
        """Counts the devices that were forgotten."""

    def note(
        self,
        tick: Iterable[Block],
        predictions: Iterable[Prediction],
        taps: Taps,
        upright_of: Callable[[str], NDArray[np.float64] | None],
        knows: Callable[[str], bool],
        *,
        arrived_s: float,
        now_s: float,
    ) -> None:
        """Take a tick's blocks, what they led to and what the taps found (engine thread)."""
        with self._lock:
            for prediction in predictions:
                self._label(prediction, now_s, now_s - arrived_s)
            if self._pages:
                for block in tick:
                    self._notice(block, now_s, knows)
            for tapped in taps.news():
                if (watched := self._watched.get(tapped.device)) is not None:
                    watched.signals.add(tapped.start_s, tapped.channels)
            for device, watched in self._watched.items():
                watched.reference = upright_of(device)
            taps.wanted = self._wanted

    @contextmanager
    def look(self, device: str) -> Iterator[None]:
        """Keep a page open, on a device or, with "", on the list alone."""
        with self._lock:
            self._pages += 1
            self._looks[device] += bool(device)
            self._choose()
        try:
            yield
        finally:
            with self._lock:
                self._pages -= 1
                self._looks[device] -= bool(device)
                self._choose()

    def since(self, mark: int, now_s: float) -> tuple[int, list[Row]]:
        """Return a new mark, and the devices of which there is news since an earlier one; 0 is the beginning."""
        found = []
        with self._lock:
            for device in reversed(self._seen):
                seen = self._seen[device]
                if seen.mark <= mark:
                    break
                found.append((device, seen.prediction, seen.seen_s))
            mark = self._mark
        return mark, [self._row(device, prediction, now_s - seen_s) for device, prediction, seen_s in reversed(found)]

    def closeup(self, device: str, cursor: Cursor) -> Closeup | None:
        """Return all about one device that a page is open on, but for what it had at its cursor, and move that."""
        with self._lock:
            seen, watched = self._seen.get(device), self._watched.get(device)
            return None if seen is None or watched is None else closeup_of(seen, watched, cursor)

    def _choose(self) -> None:
        self._looks = +self._looks
        self._wanted = frozenset(self._looks)
        for device in self._watched.keys() - self._wanted:
            del self._watched[device]
        for device in self._wanted - self._watched.keys():
            self._watched[device] = Watched(Signals(rate_hz=self.framing.rate_hz))

    def _label(self, prediction: Prediction, now_s: float, latency_s: float) -> None:
        seen = self._touch(prediction.device, now_s)
        before, seen.prediction, seen.latency_s = seen.prediction, prediction, latency_s
        passed_s = prediction.end_s - before.end_s if before is not None else math.inf
        if before is not None and passed_s > BROKEN * self._hop_s:
            seen.gaps += 1
            seen.lost_s += max(0.0, prediction.start_s - before.end_s)
        if prediction.settled is not None:
            seen.ribbon.add(prediction.settled)

    def _notice(self, block: Block, now_s: float, knows: Callable[[str], bool]) -> None:
        """Take a block of a device that has no label yet, or that somebody looks at."""
        if block.device in self._watched:
            self._watched[block.device].rate.note(block)
        seen = self._seen.get(block.device)
        if seen is not None:
            seen.seen_s = now_s
        elif knows(block.device):
            self._touch(block.device, now_s)

    def _touch(self, device: str, now_s: float) -> Seen:
        """Put a device behind all others, which is where news is looked for."""
        seen = self._seen.pop(device, None) or Seen()
        self._mark += 1
        seen.mark, seen.seen_s = self._mark, now_s
        self._seen[device] = seen
        while len(self._seen) > self._limit:
            del self._seen[next(iter(self._seen))]
            self.generation += 1
        return seen

    def _row(self, device: str, prediction: Prediction | None, age_s: float) -> Row:
        if prediction is None:
            return Row(device, None, (), 0.0, age_s)
        shares = tuple(round(100 * prediction.probability(label)) for label in self.labels)
        return Row(device, prediction.label, shares, prediction.end_s - prediction.since_s, age_s)
