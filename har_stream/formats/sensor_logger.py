"""Sensor Logger (the phone app, iOS and Android): JSON over MQTT or HTTP POST.

{"messageId": n, "sessionId": "...", "deviceId": "...", "payload": [
    {"name": "accelerometer", "time": UTC ns, "values": {"x": .., "y": .., "z": ..}}, ...]}

Every sensor has its own times. The readings of an Apple Watch (wrist motion) come as those of a device of its own,
worn at the wrist. Sensors that are no motion are skipped.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import msgspec
import numpy as np
from numpy.typing import ArrayLike, NDArray

from har_stream.devices import WRIST
from har_stream.formats.format import (
    CHANNELS,
    MESSAGE,
    NS,
    SHAPE,
    TIME,
    Decoded,
    Refusal,
    Sensor,
    SensorRows,
    seconds_of_ns,
)
from har_stream.formats.json_text import numbers, parse

AXES: Final = ("x", "y", "z")


@dataclass(frozen=True, slots=True)
class _Origin:
    """Which values of an entry are a sensor's."""

    sensor: Sensor
    keys: tuple[str, str, str] = AXES
    uncalibrated: bool = False
    worn: str = ""


def _of_watch(sensor: Sensor, prefix: str) -> _Origin:
    # The makers' "Standardise Units & Frames" is off by default; then these are in g, as is the uncalibrated sensor.
    return _Origin(sensor, (f"{prefix}X", f"{prefix}Y", f"{prefix}Z"), uncalibrated=True, worn=WRIST)


ORIGINS: Final[Mapping[str, tuple[_Origin, ...]]] = {
    "accelerometer": (_Origin("body_acc"),),
    "gravity": (_Origin("gravity"),),
    "gyroscope": (_Origin("gyro"),),
    "totalacceleration": (_Origin("total_acc"),),
    "accelerometeruncalibrated": (_Origin("total_acc", uncalibrated=True),),
    "wristmotion": (
        _of_watch("body_acc", "acceleration"),
        _of_watch("gravity", "gravity"),
        _of_watch("gyro", "rotationRate"),
    ),
}
"""By the sensor's name in lower case, without blanks. Of two gyroscopes the calibrated one is taken."""


class _Entry(msgspec.Struct, frozen=True):
    name: str = ""
    time: Any = None
    values: Any = None


class _Message(msgspec.Struct, frozen=True):
    payload: list[_Entry]
    deviceId: str | None = None  # noqa: N815 - the app's name


MESSAGES: Final = msgspec.json.Decoder(_Message)

Rows = tuple[list[float], list[NDArray[np.float64]]]


class SensorLoggerDecoder:
    """A message at a time; holds nothing."""

    def push(self, data: bytes) -> list[Decoded]:
        """Take a message, give the rows of each of its motion sensors."""
        message = parse(data, MESSAGES)
        if message is None:
            return [Refusal(MESSAGE)]
        rows: dict[_Origin, Rows] = {}
        faults: dict[str, int] = {}
        for entry in message.payload:
            for origin in _origins(entry.name):
                fault = _add(entry, origin, rows)
                if fault:
                    faults[fault] = faults.get(fault, 0) + 1
        return [*_sensors(rows, message.deviceId), *(Refusal(reason, count) for reason, count in faults.items())]


def _origins(name: str) -> tuple[_Origin, ...]:
    origins = ORIGINS.get(name)
    return ORIGINS.get(name.replace(" ", "").lower(), ()) if origins is None else origins


def _add(entry: _Entry, origin: _Origin, rows: dict[_Origin, Rows]) -> str | None:
    """Put an entry's values into the rows of its sensor; return the reason where they are none."""
    time_s = seconds_of_ns(entry.time)
    if time_s is None:
        return TIME
    if type(entry.values) is not dict:
        return SHAPE
    values = numbers(entry.values.get(key) for key in origin.keys)
    if values is None:
        return SHAPE
    times_s, held = rows.setdefault(origin, ([], []))
    times_s.append(time_s)
    held.append(values)
    return None


def _sensors(rows: dict[_Origin, Rows], device: str | None) -> Iterator[SensorRows]:
    for origin, (times_s, values) in rows.items():
        yield SensorRows(
            origin.sensor,
            np.stack(values),
            np.array(times_s),
            device,
            origin.uncalibrated,
            origin.worn,
        )


def encode(
    times_s: ArrayLike,
    values: ArrayLike,
    *,
    device: str,
    gravity: ArrayLike = (0.0, 0.0, 9.80665),
    gyro_lag_s: float = 0.0,
    message: int = 0,
) -> bytes:
    """Give samples (n, 6) in m/s2 and rad/s as a message with the app's three sensors.

    times_s (n,); gravity (3,) or (n, 3) is what the app takes off the acceleration; the gyroscope's rows are stamped
    gyro_lag_s later.
    """
    samples = np.asarray(values, np.float64).reshape(-1, CHANNELS)
    pull = np.broadcast_to(np.asarray(gravity, np.float64), (len(samples), 3))
    stamps_ns = np.rint(np.asarray(times_s, np.float64) * NS).astype(np.int64)
    entries = [
        *_entries("accelerometer", stamps_ns, samples[:, :3] - pull),
        *_entries("gravity", stamps_ns, pull),
        *_entries("gyroscope", stamps_ns + round(gyro_lag_s * NS), samples[:, 3:]),
    ]
    entries.sort(key=lambda entry: entry["time"])
    return msgspec.json.encode({"messageId": message, "sessionId": device, "deviceId": device, "payload": entries})


def _entries(name: str, stamps_ns: NDArray[np.int64], rows: ArrayLike) -> list[dict[str, Any]]:
    return [
        {"name": name, "time": stamp, "values": dict(zip(AXES, row, strict=True))}
        for stamp, row in zip(stamps_ns.tolist(), np.asarray(rows).tolist(), strict=True)
    ]
