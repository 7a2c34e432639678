"""CBOR blocks of very many devices at once: the message of har_stream.formats.cbor_blocks, one row a device."""

from __future__ import annotations

import struct

import numpy as np
from numpy.typing import NDArray

from har_stream.samples import SENSOR_AXES

FLOAT32_BYTES = 4


class CborArray:
    """Messages of n samples each at one rate, in g and rad/s."""

    def __init__(self, samples: int, rate_hz: float) -> None:
        data = samples * SENSOR_AXES * FLOAT32_BYTES
        parts = (
            b"\xa4\x61t\xfb" + bytes(8),
            b"\x62hz\xfb" + struct.pack(">d", rate_hz),
            b"\x63seq\x1a" + bytes(4),
            b"\x63val\xd8\x55\x5a" + struct.pack(">I", data),
        )
        ends = np.cumsum([len(part) for part in parts]).tolist()
        self._time = slice(ends[0] - 8, ends[0])
        self._sequence = slice(ends[2] - 4, ends[2])
        self._head = np.frombuffer(b"".join(parts), np.uint8)
        self.length = len(self._head) + data

    def messages(
        self, start_s: NDArray[np.float64], sequence: NDArray[np.int64], values: NDArray[np.float64]
    ) -> NDArray[np.uint8]:
        """Return messages (d, length) for the first samples' times (d,) and numbers (d,), and values (d, n, 6)."""
        devices = len(start_s)
        messages = np.empty((devices, self.length), np.uint8)
        messages[:, : len(self._head)] = self._head
        messages[:, self._time] = start_s.astype(">f8").view(np.uint8).reshape(devices, -1)
        messages[:, self._sequence] = (sequence % 2**32).astype(">u4").view(np.uint8).reshape(devices, -1)
        messages[:, len(self._head) :] = values.astype("<f4").reshape(devices, -1).view(np.uint8)
        return messages
