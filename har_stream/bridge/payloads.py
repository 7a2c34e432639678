"""Motion in g and rad/s to the bytes that a device of some format and profile would send for it.

A part is what is lost or damaged as one: on a line the bytes of one sample, over MQTT the messages of a block.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from firmware_bridge.encode import encode_sample
from firmware_bridge.protocol import NAME_MAX, U32_MAX, Sample
from har_stream.bridge.chance import SESSION, uniform
from har_stream.formats import cbor_blocks, frames, json_blocks, lines, phyphox, sensor_logger, sensor_server, witmotion
from har_stream.formats.format import Values
from har_stream.formats.lines import RAW_PREFIX
from har_stream.formats.registry import STREAMS
from har_stream.profiles import Conversion, G, Profile

Array = NDArray[np.float64]
TINY: Final = 1e-9
RAW: Final = "raw"

DECIMALS: Final = 5
"""Of numbers in text: 1e-5 m/s2 is far below what any sensor resolves."""

SESSION_S: Final = 5.0
"""From session info to session info, as our sketches send it."""

UNTOUCHED: Final[Mapping[str, int]] = {"frames": 1, "lines": 2}
"""Bytes at the end of a sample that part it from the next; damage spares them, so that it costs one sample."""


@dataclass(frozen=True, slots=True)
class Device:
    """Which virtual device, and what it is."""

    row: int
    name: str
    seed: int
    rate_hz: float
    profile: Profile
    start_s: float

    def session(self) -> bytes:
        """Return the frame that tells who this is."""
        session_id = int(uniform(self.seed, SESSION, self.row, 0) * U32_MAX)
        name = self.name.encode()[:NAME_MAX].decode(errors="ignore")
        return frames.encode_session(session_id=session_id, rate_hz=max(1, round(self.rate_hz)), name=name)


@dataclass(frozen=True, slots=True)
class Part:
    """Messages, or the bytes of a line, that stand for so many samples."""

    payloads: tuple[bytes, ...]
    samples: int


def line_parts(format_name: str, device: Device, first: int, elapsed_s: Array, values: Array) -> list[Part]:
    """Return what a device sends on a line for its samples from number `first` on: (n,) s since its start, (n, 6)."""
    readings = Conversion(device.profile).readings(values)
    if format_name == "frames":
        return [_one(frame) for frame in _frames(first, elapsed_s, readings)]
    if format_name == "witmotion":
        return [_one(witmotion.encode(row)) for row in readings]
    return [_one(line) for line in _lines(device.profile, readings)]


def _one(data: bytes) -> Part:
    return Part((data,), 1)


def _frames(first: int, elapsed_s: Array, readings: Values) -> list[bytes]:
    stamps_ms = np.maximum(np.rint(elapsed_s * 1000), 0).astype(np.int64) % frames.WRAP_MS
    return [
        encode_sample(Sample((first + at) % (U32_MAX + 1), stamp_ms, tuple(row)))
        for at, (stamp_ms, row) in enumerate(zip(stamps_ms.tolist(), readings.tolist(), strict=True))
    ]


def _lines(profile: Profile, readings: Values) -> list[bytes]:
    """Return lines as sketches print them: counts as i2cdevlib's, other units with commas between."""
    if profile.acc_unit == RAW and profile.gyro_unit == RAW:
        head = RAW_PREFIX.decode()
        counts = np.clip(np.rint(readings), -(2**15), 2**15 - 1).astype(int).tolist()
        return ["\t".join([head, *map(str, row)]).encode() + b"\r\n" for row in counts]
    return [lines.encode(row) for row in np.round(readings, DECIMALS)]


def preamble(format_name: str, device: Device, first: int) -> bytes:
    """Return what a device sends on a line before its sample number `first`: at times, who it is."""
    every = max(1, round(SESSION_S * device.rate_hz))
    return device.session() if format_name == "frames" and first % every == 0 else b""


def message_part(format_name: str, device: Device, first: int, elapsed_s: Array, values: Array) -> Part:
    """Return what a device sends to a broker for a block of samples: as line_parts()."""
    if format_name in STREAMS:
        parts = line_parts(format_name, device, first, elapsed_s, values)
        data = b"".join(part.payloads[0] for part in parts)
        return Part((preamble(format_name, device, 0) + data,), len(values))
    readings = Conversion(device.profile).readings(values)
    block = _Block(device, first, device.start_s + elapsed_s, readings)
    return Part(tuple(MESSAGES[format_name](block)), len(values))


@dataclass(frozen=True, slots=True)
class _Block:
    """Readings (n, 6) of a device from number `first` on, in its units, and their times (n,)."""

    device: Device
    first: int
    times_s: Array
    readings: Values

    @property
    def start_s(self) -> float:
        """When the first was due, which jitter does not change."""
        return self.device.start_s + self.first / self.device.rate_hz

    @property
    def text(self) -> Values:
        """The readings as they are written."""
        return np.round(self.readings, DECIMALS)


def _cbor_block(block: _Block) -> list[bytes]:
    profile = block.device.profile
    return [
        cbor_blocks.encode(
            block.readings,
            rate_hz=block.device.rate_hz,
            start_s=block.start_s,
            sequence=block.first,
            acc_unit=None if profile.acc_unit == "g" else profile.acc_unit,
            gyro_unit=None if profile.gyro_unit == "rad/s" else profile.gyro_unit,
        )
    ]


def _json_block(block: _Block) -> list[bytes]:
    profile = block.device.profile
    return [
        json_blocks.encode(
            block.text,
            rate_hz=block.device.rate_hz,
            start_s=block.start_s,
            sequence=block.first,
            acc_unit=profile.acc_unit,
            gyro_unit=profile.gyro_unit,
        )
    ]


def _sensor_logger(block: _Block) -> list[bytes]:
    """Take the block's mean for gravity: the app sends acceleration in two rows, and their sum is what we know."""
    mean = block.readings[:, :3].mean(axis=0)
    gravity = np.round(mean * G / max(float(np.linalg.norm(mean)), TINY), DECIMALS)
    name = block.device.name
    return [sensor_logger.encode(block.times_s, block.text, device=name, gravity=gravity, message=block.first)]


def _phyphox(block: _Block) -> list[bytes]:
    return [phyphox.encode(block.times_s, block.text)]


def _sensor_server(block: _Block) -> list[bytes]:
    return sensor_server.encode(block.times_s, block.text)


MESSAGES: Final[Mapping[str, Callable[[_Block], list[bytes]]]] = {
    "cbor-block": _cbor_block,
    "json-block": _json_block,
    "sensor-logger": _sensor_logger,
    "phyphox": _phyphox,
    "sensor-server": _sensor_server,
}
