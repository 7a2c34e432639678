"""A steady clock for samples that come without times: when they were taken, told from when they arrived.

What arrives last in a chunk is the freshest, and nothing arrives before it was taken. So of the chunks of a second the
one that came earliest against the clock tells how the clock stands; bursts and stalls only come later than that one and
are passed over. Phase and period follow it by a filter of fading memory (alpha-beta; E. Brookner, Tracking and Kalman
Filtering Made Easy, 1998, ch. 1): first all that was seen counts alike, later the last half minute.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

MEASURING_S: Final = 1.0
"""How long a rate is measured before there is a clock, where none is given."""

LONGEST_SILENCE_S: Final = 5.0
"""Within the measurement; after a longer one it begins anew."""

LEAST_CHUNKS: Final = 4
MOST_CHUNKS: Final = 2000
"""Of the measurement; fewer tell no rate, and more need not be held."""

BUCKET_S: Final = 1.0
GAP_S: Final = 0.5
"""What comes later than due by more was preceded by silence: the clock jumps."""

JUMPS: Final = 3
"""Jumps with no bucket between them after which the rate is measured anew."""

LASTING_S: Final = 0.1
"""A delay beyond this through two buckets is no delay but samples lost."""

LAST_AGE: Final = 20
"""Buckets: where the fading memory ends to grow."""

KNOWN_RATE_AGE: Final = 4
"""Buckets that a rate given beforehand counts as."""

LEAST_PERIOD_S: Final = 1e-6
"""What seems to come faster is what waited somewhere and tells no rate; and 1 / 1e-309 s would be infinite."""

LARGEST_SHIFT: Final = 0.2
"""Of a sample's period: by how much one chunk may move the clock, so that following samples stay in line."""


@dataclass(slots=True)  # to freeze it would treble its cost, which is paid for each chunk
class Span:
    """When the samples of a push were taken: the first at start_s, then one every 1/rate_hz."""

    start_s: float
    rate_hz: float


class ArrivalClock:
    """Gives each chunk of samples its span, from its time of arrival in s (monotonic but for jumps).

    waiting tells how many samples were pushed and have no span yet: those of the measurement. They get theirs with
    the chunk that ends it, as one span for all.
    """

    def __init__(self, *, nominal_hz: float | None = None) -> None:
        self._period_s = 1 / nominal_hz if nominal_hz else 0.0
        self._next_s: float | None = None
        self._age = KNOWN_RATE_AGE if nominal_hz else LEAST_CHUNKS // 2
        self._ends: list[tuple[int, float]] = []
        self._owed_s = 0.0
        self._bucket: _Bucket | None = None
        self._lasting = False
        self._jumps = 0
        self.waiting = 0

    @property
    def rate_hz(self) -> float | None:
        """The rate as far as it is known."""
        return 1 / self._period_s if self._period_s else None

    def push(self, samples: int, arrival_s: float) -> Span | None:
        """Take a chunk's number of samples; give the span of all that wait, or None while the rate is measured."""
        self.waiting += samples
        if not self._period_s and not self._measured(arrival_s):
            return None
        count, self.waiting = self.waiting, 0
        if self._next_s is None or self._ends:
            self._next_s = self._first(count, arrival_s)
        else:
            self._next_s = self._follow(self._next_s, count, arrival_s)
        span = Span(self._next_s, 1 / self._period_s)
        self._next_s += count * self._period_s
        if self._jumps == JUMPS:  # no gap follows on gaps: it is the rate that is wrong
            self._age, self._jumps, self._period_s = LEAST_CHUNKS // 2, 0, 0.0
        return span

    def _measured(self, arrival_s: float) -> bool:
        """Note a chunk's end; tell whether there are enough to know the period."""
        ends = self._ends
        if ends and not 0 <= arrival_s - ends[-1][1] <= LONGEST_SILENCE_S:
            ends.clear()  # what came before a silence tells nothing of the rate
        ends.append((self.waiting, arrival_s))
        long_enough = arrival_s - ends[0][1] >= MEASURING_S and len(ends) >= LEAST_CHUNKS
        if not long_enough and len(ends) < MOST_CHUNKS:
            return False
        self._period_s = _period_s(ends)
        if self._period_s < LEAST_PERIOD_S:
            self._period_s = 0.0
            ends.clear()
            return False
        return True

    def _first(self, count: int, arrival_s: float) -> float:
        """Return the time of the first of all that waited, as the earliest chunk tells it."""
        ends, self._ends = self._ends or [(count, arrival_s)], []
        return min(end_s - (number - 1) * self._period_s for number, end_s in ends)

    def _follow(self, next_s: float, count: int, arrival_s: float) -> float:
        """Return next_s moved by what this chunk tells, or by a jump."""
        late_s = arrival_s - (next_s + (count - 1) * self._period_s)
        if abs(late_s) > GAP_S:
            self._jumps += 1
            self._owed_s, self._bucket, self._lasting = 0.0, None, False
            return next_s + late_s
        self._fill(late_s, arrival_s)
        limit_s = self._period_s * (LARGEST_SHIFT if abs(self._owed_s) < LASTING_S else math.inf)
        shift_s = min(max(self._owed_s, -limit_s), limit_s)
        self._owed_s -= shift_s
        if self._bucket is not None:
            self._bucket.least_s -= shift_s
        return next_s + shift_s

    def _fill(self, late_s: float, arrival_s: float) -> None:
        """Put a chunk into the bucket, and learn from a bucket that is full."""
        bucket = self._bucket
        if bucket is not None and arrival_s - bucket.begun_s < BUCKET_S:
            bucket.least_s = min(bucket.least_s, late_s)
            return
        if bucket is not None:
            self._learn(bucket.least_s - self._owed_s, arrival_s - bucket.begun_s)
        self._bucket = _Bucket(arrival_s, late_s)

    def _learn(self, error_s: float, span_s: float) -> None:
        """Correct phase and period by the earliest chunk of a bucket."""
        if error_s > LASTING_S:
            self._owed_s += error_s if self._lasting else 0.0
            self._lasting = not self._lasting
            return
        self._lasting, self._jumps = False, 0
        self._age = min(self._age + 1, LAST_AGE)
        alpha = 2 * (2 * self._age - 1) / (self._age * (self._age + 1))
        beta = 6 / (self._age * (self._age + 1))
        self._owed_s += alpha * error_s
        self._period_s *= 1 + min(max(beta * error_s / span_s, -0.05), 0.05)


def _period_s(ends: list[tuple[int, float]]) -> float:
    """Return the period by which the chunks come as little late as can be, none of them early.

    Delays lie above that line, so it is an edge of the lower convex hull: the one in the middle (S. Moon, P. Skelly,
    D. Towsley, Estimation and Removal of Clock Skew from Network Delay Measurements, 1999).
    """
    hull: list[tuple[int, float]] = []
    for count, end_s in ends:
        while len(hull) > 1 and _slope(hull[-2], hull[-1]) >= _slope(hull[-2], (count, end_s)):
            del hull[-1]
        hull.append((count, end_s))
    middle = sum(count for count, _ in ends) / len(ends)
    after = next(at for at in range(1, len(hull)) if hull[at][0] >= middle)
    return _slope(hull[after - 1], hull[after])


def _slope(one: tuple[int, float], other: tuple[int, float]) -> float:
    return (other[1] - one[1]) / (other[0] - one[0])


@dataclass(slots=True)
class _Bucket:
    """The chunks of about a second: when they began, and how late against the clock the earliest was."""

    begun_s: float
    least_s: float
