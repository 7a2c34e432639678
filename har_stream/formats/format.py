"""What every format gives: bytes pushed in, values out. Pure: no I/O, no clock, no exception for malformed bytes.

    bytes -> Readings | SensorRows | Refusal, in the device's own units, axes and clock

A profile (har_stream/profiles.py) turns them into g, rad/s and the body's axes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

Sensor = Literal["total_acc", "body_acc", "gravity", "gyro"]
"""What a sensor measures: acceleration with gravity, without it, gravity alone, or angular rate."""


@dataclass(frozen=True, slots=True)
class Readings:
    """Consecutive readings of accelerometer and gyroscope together.

    values (n, 6): acc x y z, gyro x y z. times_s (n,) in the device's clock, unwrapped; None where it sends none.
    rate_hz is what the sender says of its rate, None where it says nothing; where it is given without times_s and
    with start_s, the readings are uniform and begin then. device is the id or name that the payload itself gives, as
    it came; acc_unit and gyro_unit likewise, and go before the profile's.
    """

    values: NDArray[np.float64]
    times_s: NDArray[np.float64] | None = None
    start_s: float | None = None
    rate_hz: float | None = None
    device: str | None = None
    acc_unit: str | None = None
    gyro_unit: str | None = None


@dataclass(frozen=True, slots=True)
class SensorRows:
    """Rows of one sensor of a device whose sensors each have their own times.

    values (n, 3); times_s (n,), not surely in order, None where it sends none.
    """

    sensor: Sensor
    values: NDArray[np.float64]
    times_s: NDArray[np.float64] | None
    device: str | None = None
    acc_unit: str | None = None


@dataclass(frozen=True, slots=True)
class Refusal:
    """What was no reading: a reason of a fixed few, and how many frames, lines or messages it was."""

    reason: str
    count: int = 1


Decoded = Readings | SensorRows | Refusal


class Decoder(Protocol):
    """The state of one format on one line (serial: any cut of its bytes; MQTT: a message at a time)."""

    def push(self, data: bytes) -> list[Decoded]:
        """Take bytes, give what they complete. Never raises for what the bytes hold; its memory is bounded."""
