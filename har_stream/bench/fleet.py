"""Very many devices' CBOR messages in memory: what a broker would bring, without the broker."""

from __future__ import annotations

from typing import Final

import numpy as np

from har_stream.bridge.cbor_array import CborArray
from har_stream.bridge.motion import MOST_PERFORMERS, Shared
from har_stream.manifest import Framing
from har_stream.sources.simulator import device_names, players
from har_stream.uri import Uri

BLOCK: Final = 25
"""Samples a message, as har-bridge simulate sends them."""


class Fleet:
    """Simulated people who send a block each in every round.

    Their first blocks differ in length, so that their windows end at different times, as those of people who came
    one after the other.
    """

    def __init__(self, devices: int, framing: Framing) -> None:
        self.names = device_names(devices)
        self._rate_hz = framing.rate_hz
        uri = Uri("", "", "", {})
        self._motions = Shared(self.names, players(min(devices, MOST_PERFORMERS), "day", 1, uri))
        self._rows = np.arange(devices)
        self._sent = np.zeros(devices, np.int64)
        self._lead = 1 + self._rows % framing.hop
        self._array = CborArray(BLOCK, framing.rate_hz)

    def first(self) -> list[tuple[str, bytes]]:
        """Return each device's first message, which makes them differ."""
        messages = []
        for samples in np.unique(self._lead).tolist():
            rows = self._rows[self._lead == samples]
            messages += self._messages(rows, samples, CborArray(samples, self._rate_hz))
        return messages

    def round(self) -> list[tuple[str, bytes]]:
        """Return a message of each device: (device, payload)."""
        return self._messages(self._rows, BLOCK, self._array)

    def _messages(self, rows: np.ndarray, samples: int, array: CborArray) -> list[tuple[str, bytes]]:
        numbers = self._sent[rows, np.newaxis] + np.arange(samples)
        values = self._motions.at(rows, numbers / self._rate_hz)
        encoded = array.messages(self._sent[rows] / self._rate_hz, self._sent[rows], values)
        self._sent[rows] += samples
        return [(self.names[row], encoded[lane].tobytes()) for lane, row in enumerate(rows.tolist())]
