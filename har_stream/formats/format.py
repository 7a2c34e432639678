"""What every format gives: bytes pushed in, values out. Pure: no I/O, no clock, no exception for malformed bytes.

    bytes -> Readings | SensorRows | Refusal, in the device's own units, axes and clock

A profile (har_stream/profiles.py) turns them into g, rad/s and the body's axes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.floating[Any]]
"""float32 or float64, whichever is nearer to what came: values that need no conversion pass bit for bit."""

Sensor = Literal["total_acc", "body_acc", "gravity", "gyro"]
"""What a sensor measures: acceleration with gravity, without it, gravity alone, or angular rate."""

CHANNELS: Final = 6
"""acc x y z, gyro x y z."""

LATEST_S: Final = 1e12
"""No lawful time lies further from 0, so that sums and differences of times stay exact enough to compare."""

NS: Final = 1_000_000_000

FASTEST_HZ: Final = 10_000.0

ACC_UNITS: Final = ("g", "m/s2", "mg", "raw")
GYRO_UNITS: Final = ("rad/s", "deg/s", "mrad/s", "raw")

# The reasons of refusals; these and no others. What each counts is in brackets.
LINE: Final = "line"
"""Text that is not six numbers (a line)."""
DEVICE_ERROR: Final = "device_error"
"""The device itself says that something failed (a line)."""
CHECKSUM: Final = "checksum"
"""Bytes damaged on their way (a frame or packet)."""
FRAME: Final = "frame"
"""A whole frame that holds no message of the protocol (a frame)."""
CHANNELS_REASON: Final = "channels"
"""A reading that has not both sensors, or more than their six channels (a reading)."""
MESSAGE: Final = "message"
"""Not a message of the format (a message)."""
SHAPE: Final = "shape"
"""Values that are not rows of x y z (a message)."""
UNIT: Final = "unit"
"""A unit that is none of the known ones (a message)."""
RATE: Final = "rate"
"""A rate that is not above 0 and at most FASTEST_HZ, or none where one is needed (a message)."""
TIME: Final = "time"
"""A time that is missing, not finite or beyond LATEST_S (a message or row)."""
FORMAT: Final = "format"
"""Nothing that any known format can be (a message, or a few kilobytes of a line)."""
SENSOR: Final = "sensor"
"""Rows that do not say of which sensor they are (a message)."""


@dataclass(slots=True)  # to freeze it would treble its cost, which is paid for each message
class Readings:
    """Consecutive readings of accelerometer and gyroscope together.

    values (n, 6): acc x y z, gyro x y z. times_s (n,) in the device's clock, unwrapped; None where it sends none.
    rate_hz is what the sender says of its rate, None where it says nothing; where it is given without times_s and
    with start_s, the readings are uniform and begin then. device is the id or name that the payload itself gives, as
    it came; acc_unit and gyro_unit likewise, and go before the profile's.
    """

    values: Values
    times_s: NDArray[np.float64] | None = None
    start_s: float | None = None
    rate_hz: float | None = None
    device: str | None = None
    acc_unit: str | None = None
    gyro_unit: str | None = None


@dataclass(frozen=True, slots=True)
class SensorRows:
    """Rows of one sensor of a device whose sensors each have their own times.

    values (n, 3); times_s (n,) in the device's clock, not surely in order. uncalibrated tells that an acceleration
    is in the unit of the platform's uncalibrated sensors, which need not be that of its others. worn names the part
    of the body of a sensor that is not in the device itself but, say, in a watch that goes with it.
    """

    sensor: Sensor
    values: Values
    times_s: NDArray[np.float64]
    device: str | None = None
    uncalibrated: bool = False
    worn: str = ""


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


def lawful_time(time_s: float | None) -> bool:
    """Tell whether a time is there, finite and near enough to compute with."""
    return time_s is not None and -LATEST_S < time_s < LATEST_S


def seconds_of_ns(stamp: object) -> float | None:
    """Return a stamp in whole nanoseconds as s; None for what is no lawful one."""
    if type(stamp) is not int or abs(stamp) >= LATEST_S * NS:
        return None
    return stamp / NS


def lawful_rate(rate_hz: float) -> bool:
    """Tell whether a device can have this rate."""
    return 0 < rate_hz <= FASTEST_HZ
