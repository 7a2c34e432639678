"""Samples at the model's rate to messages of equally many, whatever pieces they come in."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from threading import Lock

import numpy as np

from har_stream.bridge.uniform_samples import Piece
from har_stream.formats import cbor_blocks
from har_stream.samples import SENSOR_AXES, Samples

PATIENCE = 2.0
"""Messages' lengths that a begun one waits for the rest."""


@dataclass(frozen=True, slots=True)
class Message:
    """A CBOR block and how many samples are in it."""

    payload: bytes
    samples: int


class Cutting:
    """Holds less than one message; never joins what does not follow one another. Two threads may call it."""

    def __init__(self, *, block: int, rate_hz: float) -> None:
        self._block, self._rate_hz = block, rate_hz
        self._values: Samples = np.empty((0, SENSOR_AXES), np.float32)
        self._start_s = self._touched_s = 0.0
        self._sequence = 0
        self._lock = Lock()

    @property
    def held(self) -> int:
        """How many samples wait for their message."""
        return len(self._values)

    def push(self, pieces: Iterable[Piece]) -> list[Message]:
        """Take pieces in their order, give the messages that they complete."""
        with self._lock:
            return [message for piece in pieces for message in self._push(piece)]

    def flush(self, *, now_s: float | None = None) -> list[Message]:
        """Give what is held as a message of its own; with now_s (monotonic) only where it has waited too long."""
        with self._lock:
            waited_s = np.inf if now_s is None else now_s - self._touched_s
            patient = waited_s <= PATIENCE * self._block / self._rate_hz
            return [] if patient or not len(self._values) else [self._cut(len(self._values))]

    def _push(self, piece: Piece) -> Iterator[Message]:
        end_s = self._start_s + len(self._values) / self._rate_hz
        follows = not piece.begins and abs(piece.start_s - end_s) * self._rate_hz < 1 / 2
        if not follows and len(self._values):
            yield self._cut(len(self._values))
        if not len(self._values):
            self._start_s = piece.start_s
        self._values = np.concatenate([self._values, piece.values])
        self._touched_s = time.monotonic()
        while len(self._values) >= self._block:
            yield self._cut(self._block)

    def _cut(self, samples: int) -> Message:
        taken, self._values = self._values[:samples], self._values[samples:]
        payload = cbor_blocks.encode(
            taken, rate_hz=self._rate_hz, start_s=self._start_s, sequence=self._sequence % 2**32
        )
        self._sequence += samples
        self._start_s += samples / self._rate_hz
        return Message(payload, samples)
