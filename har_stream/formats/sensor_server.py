"""SensorServer (an Android app): JSON over a WebSocket, or passed on over MQTT; one reading of one sensor a message.

{"type": "android.sensor.accelerometer", "accuracy": n, "timestamp": ns since boot, "values": [x, y, z]}

The app names the type where several sensors share a connection; a reading without it cannot be told from others.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import msgspec
import numpy as np
from numpy.typing import ArrayLike

from har_stream.formats.format import (
    CHANNELS,
    MESSAGE,
    NS,
    SENSOR,
    SHAPE,
    TIME,
    Decoded,
    Refusal,
    Sensor,
    SensorRows,
    seconds_of_ns,
)
from har_stream.formats.json_text import parse

AXES: Final = 3
SENSOR_BY_TYPE: Final[Mapping[str, Sensor]] = {
    "android.sensor.accelerometer": "total_acc",
    "android.sensor.linear_acceleration": "body_acc",
    "android.sensor.gravity": "gravity",
    "android.sensor.gyroscope": "gyro",
}
SKIPPED: Final = "android.sensor."
"""Other sensors are no fault."""


class _Reading(msgspec.Struct, frozen=True):
    timestamp: Any
    values: list[float | None]
    type: str = ""


READINGS: Final = msgspec.json.Decoder(_Reading)


class SensorServerDecoder:
    """A message at a time; holds nothing."""

    def push(self, data: bytes) -> list[Decoded]:
        """Take a message, give its row."""
        reading = parse(data, READINGS)
        if reading is None:
            return [Refusal(MESSAGE)]
        sensor = SENSOR_BY_TYPE.get(reading.type)
        if sensor is None:
            return [] if reading.type.startswith(SKIPPED) else [Refusal(SENSOR)]
        if len(reading.values) != AXES:
            return [Refusal(SHAPE)]
        time_s = seconds_of_ns(reading.timestamp)
        if time_s is None:
            return [Refusal(TIME)]
        return [SensorRows(sensor, np.array([reading.values], np.float64), np.array([time_s]))]


def encode(times_s: ArrayLike, values: ArrayLike, *, gyro_lag_s: float = 0.0) -> list[bytes]:
    """Give samples (n, 6) in m/s2 and rad/s as messages, two a sample: acceleration, then angular rate."""
    samples = np.asarray(values, np.float64).reshape(-1, CHANNELS)
    stamps_ns = np.rint(np.asarray(times_s, np.float64) * NS).astype(np.int64).tolist()
    messages = []
    for stamp, row in zip(stamps_ns, samples.tolist(), strict=True):
        messages.append(_message("android.sensor.accelerometer", stamp, row[:AXES]))
        messages.append(_message("android.sensor.gyroscope", stamp + round(gyro_lag_s * NS), row[AXES:]))
    return messages


def _message(kind: str, stamp_ns: int, values: list[float]) -> bytes:
    return msgspec.json.encode({"type": kind, "accuracy": AXES, "timestamp": stamp_ns, "values": values})
