"""WitMotion serial IMUs (WT61, WT901, BWT901BLE...).

    0x55  id  8 bytes of payload  sum of these ten & 0xFF            over a serial line, one packet a quantity
          0x51: acceleration x y z, temperature; int16 LE, 32768 = 16 g
          0x52: angular rate x y z, temperature; int16 LE, 32768 = 2000 deg/s
    0x55  0x61  acceleration x y z  angular rate x y z  angles x y z     over Bluetooth LE: int16 LE, no checksum

A reading is an acceleration and the angular rate that follows it. Values come in g and deg/s.
"""

from __future__ import annotations

import struct
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from har_stream.formats.format import CHANNELS, CHANNELS_REASON, CHECKSUM, FRAME, Decoded, Readings, Refusal

HEAD: Final = 0x55
ACCELERATION: Final = 0x51
ANGULAR_RATE: Final = 0x52
COMBINED: Final = 0x61
IDS: Final = range(0x50, 0x60)
"""Time, acceleration, angular rate, angles, magnetic field, ports, pressure, position, ..., as the makers number."""

PACKET: Final = 11
COMBINED_PACKET: Final = 20
SCALE: Final = np.repeat(np.array([16.0 / 32768, 2000.0 / 32768], np.float32), 3)
"""g and deg/s of one step; a float32 holds every multiple of them that a packet can hold."""

UNLOCK: Final = bytes.fromhex("ffaa6988b5")
RATE_50_HZ: Final = bytes.fromhex("ffaa030800")
SAVE: Final = bytes.fromhex("ffaa000000")

Words = tuple[int, ...]


class WitMotionDecoder:
    """Finds packets in a stream of bytes; holds less than one packet and one acceleration.

    Bytes between packets are searched for the next head. They count as one refusal a run: `checksum` where a packet
    with a known id began there, else `frame`. An acceleration without its angular rate counts as `channels`.
    """

    def __init__(self) -> None:
        self._begun = b""
        self._acceleration: Words | None = None
        self._run: str | None = None

    def push(self, data: bytes) -> list[Decoded]:
        """Take bytes, give the readings that they complete."""
        data, at = self._begun + data, 0
        decoded: list[Decoded] = []
        rows: list[Words] = []
        while (length := _length(data, at)) <= len(data) - at:
            if length and _whole(data, at, length):
                self._run = None
                lonely = data[at + 1] == ACCELERATION and self._acceleration is not None
                reason = CHANNELS_REASON if lonely else None
                rows += self._take(data, at)
                at += length
            else:
                reason = self._lose(length)
                head = data.find(HEAD, at + 1)
                at = head if head >= 0 else len(data)
            if reason:
                _close(rows, decoded)
                rows = []
                decoded.append(Refusal(reason))
        self._begun = data[at:]
        _close(rows, decoded)
        return decoded

    def _lose(self, length: int) -> str | None:
        """Note that no packet is at the head of what is left; give the reason if it is yet to be counted."""
        reason = CHECKSUM if length else FRAME
        counted = self._run is not None and (self._run == CHECKSUM or reason == FRAME)
        self._run = CHECKSUM if CHECKSUM in (self._run, reason) else FRAME
        self._acceleration = None
        return None if counted else reason

    def _take(self, data: bytes, at: int) -> list[Words]:
        """Take a whole packet, give the reading that it completes."""
        kind = data[at + 1]
        if kind == COMBINED:
            return [struct.unpack_from("<6h", data, at + 2)]
        words = struct.unpack_from("<3h", data, at + 2)
        if kind == ACCELERATION:
            self._acceleration = words
        elif kind == ANGULAR_RATE and self._acceleration is not None:
            acceleration, self._acceleration = self._acceleration, None
            return [acceleration + words]
        return []


def _length(data: bytes, at: int) -> int:
    """Return how many bytes must be there to judge what begins at `at`; 0 for what can be no packet."""
    if at >= len(data):
        return PACKET
    if data[at] != HEAD:
        return 0
    if at + 1 >= len(data):
        return PACKET
    if data[at + 1] == COMBINED:
        return COMBINED_PACKET
    return PACKET if data[at + 1] in IDS else 0


def _whole(data: bytes, at: int, length: int) -> bool:
    return length == COMBINED_PACKET or sum(data[at : at + PACKET - 1]) & 0xFF == data[at + PACKET - 1]


def _close(rows: list[Words], decoded: list[Decoded]) -> None:
    if rows:
        decoded.append(Readings(np.array(rows, np.float32) * SCALE))


def commands_for_50_hz() -> tuple[bytes, bytes, bytes]:
    """Return the commands that set a device to 50 Hz for good: unlock, rate, save. Sent 0.1 s apart."""
    return UNLOCK, RATE_50_HZ, SAVE


def encode(values: ArrayLike, *, bluetooth: bool = False) -> bytes:
    """Give samples (n, 6) in g and deg/s as packets, each value rounded to a step and held within the range."""
    steps = np.rint(np.asarray(values, np.float64).reshape(-1, CHANNELS) / SCALE)
    words: NDArray[np.int16] = np.clip(steps, -32768, 32767).astype("<i2")
    if bluetooth:
        return b"".join(bytes([HEAD, COMBINED]) + row.tobytes() + bytes(6) for row in words)
    return b"".join(
        _packet(ACCELERATION, row[:3].tobytes()) + _packet(ANGULAR_RATE, row[3:].tobytes()) for row in words
    )


def _packet(kind: int, payload: bytes) -> bytes:
    body = bytes([HEAD, kind]) + payload + bytes(2)
    return body + bytes([sum(body) & 0xFF])
