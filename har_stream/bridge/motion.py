"""What virtual devices feel: simulated people or recorded ones, at any times, by straight lines between the samples.

Time begins at 0 for each device. Up to MOST_PERFORMERS simulated people each have motions of their own; more share the
motions of as many, each begun somewhere else and going round.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from har_stream.datasets import Recording
from har_stream.samples import SENSOR_AXES, SampleBlock
from har_stream.sources.simulated_person import RATE_HZ
from har_stream.sources.simulator import GOLDEN_RATIO, Player

Array = NDArray[np.float64]
Rows = NDArray[np.intp]

MOST_PERFORMERS: Final = 64
SHARED_S: Final = 120.0
"""How long the motions are that many devices share."""

PIECE: Final = 256
"""Samples that a performer gives at a time."""

SLACK_S: Final = 1.0
"""How far back of the earliest time that was asked for last a time may still be asked for: jitter goes to and fro."""


class Motions(Protocol):
    """Devices by row: their names, and how long each moves, in s."""

    names: list[str]
    lasts_s: Array

    def at(self, rows: Rows, at_s: Array) -> Array:
        """Return (d, n, 6) in g and rad/s at times (d, n) of devices (d,); those of a device go forward."""


class Performed:
    """Simulated people without an end, each with a motion of their own."""

    def __init__(self, players: Sequence[Player]) -> None:
        self.names = [player.name for player in players]
        self.lasts_s = np.full(len(players), np.inf)
        self._tracks = [_Track(player.blocks(PIECE, loop=True), RATE_HZ) for player in players]

    def at(self, rows: Rows, at_s: Array) -> Array:
        """Return what these people feel."""
        return np.stack([self._tracks[row].at(times_s) for row, times_s in zip(rows.tolist(), at_s, strict=True)])


class Recorded:
    """Recordings, each played once."""

    def __init__(self, recordings: Sequence[Recording]) -> None:
        self.names = [recording.device for recording in recordings]
        self.lasts_s = np.array([len(recording.values) / recording.rate_hz for recording in recordings])
        self._recordings = recordings

    def at(self, rows: Rows, at_s: Array) -> Array:
        """Return what was recorded."""
        chosen = (self._recordings[row] for row in rows.tolist())
        return np.stack([between(one.values, times_s * one.rate_hz) for one, times_s in zip(chosen, at_s, strict=True)])


class Shared:
    """Many devices that play the motions of fewer simulated people, in arrays."""

    def __init__(self, names: list[str], players: Sequence[Player]) -> None:
        self.names, self.lasts_s = names, np.full(len(names), np.inf)
        self._length = round(SHARED_S * RATE_HZ)
        pool = np.stack([_first(player.blocks(PIECE, loop=True), self._length) for player in players])
        self._pool = pool.reshape(-1, SENSOR_AXES)
        rows = np.arange(len(names))
        self._base = rows % len(players) * self._length
        self._begin = rows * GOLDEN_RATIO % 1 * self._length

    def at(self, rows: Rows, at_s: Array) -> Array:
        """Return what these devices feel."""
        place = (at_s * RATE_HZ + self._begin[rows, np.newaxis]) % self._length
        before = place.astype(np.intp) % self._length
        share = (place - before)[..., np.newaxis]
        base = self._base[rows, np.newaxis]
        one, other = self._pool[base + before], self._pool[base + (before + 1) % self._length]
        return np.asarray(one + share * (other - one))


def between(values: NDArray[np.float32], places: Array) -> Array:
    """Return values (m, 6) at places (n,) counted in samples, on the line between two; a sample itself to the bit.

    Before the first and behind the last it is that one.
    """
    places = np.clip(places, 0, len(values) - 1)
    before = places.astype(np.intp)
    share = (places - before)[:, np.newaxis]
    one = values[before].astype(np.float64)
    return one + share * (values[np.minimum(before + 1, len(values) - 1)] - one)


class _Track:
    """The newest samples of one who performs, as many as are asked for."""

    def __init__(self, blocks: Iterator[SampleBlock], rate_hz: float) -> None:
        self._blocks, self._rate_hz = blocks, rate_hz
        self._values = np.empty((0, SENSOR_AXES), np.float32)
        self._dropped = 0

    def at(self, at_s: Array) -> Array:
        places = np.maximum(at_s, 0.0) * self._rate_hz
        needed = int(places.max()) + 2 - self._dropped
        parts = [self._values]
        held = len(self._values)
        while held < needed:
            parts.append(next(self._blocks).values)
            held += len(parts[-1])
        self._values = np.concatenate(parts)
        found = between(self._values, places - self._dropped)
        old = int(places.min() - SLACK_S * self._rate_hz) - self._dropped
        if old > PIECE:
            self._values, self._dropped = self._values[old:], self._dropped + old
        return found


def _first(blocks: Iterator[SampleBlock], length: int) -> NDArray[np.float32]:
    """Return the first samples (length, 6) of one who performs."""
    parts: list[NDArray[np.float32]] = []
    while sum(map(len, parts)) < length:
        parts.append(next(blocks).values)
    return np.concatenate(parts)[:length]
