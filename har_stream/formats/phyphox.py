"""phyphox (the phone app): JSON over MQTT or HTTP, under the names that the experiment gives.

{"accX": [..], "accY": [..], "accZ": [..], "acc_time": [..], "gyrX": [..], ..., "gyr_time": [..]}

A value is a number, an array of numbers, or a map that holds such an array as "buffer"; null is a NaN. Known are
acc*, lin* (acceleration without gravity), gyr* and gra* whose names end in x, y, z, time or t, in any case, with or
without _, - or blanks between.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Final

import msgspec
import numpy as np
from numpy.typing import ArrayLike, NDArray

from har_stream.formats.format import (
    CHANNELS,
    LATEST_S,
    MESSAGE,
    SENSOR,
    SHAPE,
    TIME,
    Decoded,
    Readings,
    Refusal,
    Sensor,
    SensorRows,
)
from har_stream.formats.json_text import numbers, parse

SENSOR_BY_PREFIX: Final[tuple[tuple[str, Sensor], ...]] = (
    ("lin", "body_acc"),
    ("accwithoutg", "body_acc"),
    ("acc", "total_acc"),
    ("gyr", "gyro"),
    ("gra", "gravity"),
)
NO_SENSOR: Final = "accuracy"
TIMES: Final = "t"
ENDINGS: Final = (("time", TIMES), ("x", "x"), ("y", "y"), ("z", "z"), ("t", TIMES))
LONGEST_NAME: Final = 64

MAPS: Final = msgspec.json.Decoder(dict[str, Any])

Columns = dict[str, NDArray[np.float64]]


class PhyphoxDecoder:
    """A message at a time; holds nothing."""

    def push(self, data: bytes) -> list[Decoded]:
        """Take a message, give the rows of its sensors; both sensors without times come as one."""
        message = parse(data, MAPS)
        if message is None:
            return [Refusal(MESSAGE)]
        sensors: dict[Sensor, Columns] = {}
        for name, value in message.items():
            meaning = meaning_of(name) if len(name) <= LONGEST_NAME else None
            if meaning is None:
                continue
            column = _column(value)
            if column is None:
                return [Refusal(SHAPE)]
            sensors.setdefault(meaning[0], {})[meaning[1]] = column
        return _decoded(sensors)


@lru_cache(maxsize=1024)
def meaning_of(name: str) -> tuple[Sensor, str] | None:
    """Return which sensor and which of x, y, z, t a name means; None for others."""
    plain = "".join(letter for letter in name.lower() if letter.isalnum())
    if plain.startswith(NO_SENSOR):
        return None
    sensor = next((sensor for prefix, sensor in SENSOR_BY_PREFIX if plain.startswith(prefix)), None)
    ending = next((axis for end, axis in ENDINGS if plain.endswith(end)), None)
    return (sensor, ending) if sensor and ending else None


def _column(value: Any) -> NDArray[np.float64] | None:
    if type(value) is dict:
        value = value.get("buffer")
    if type(value) is not list:
        value = [value]
    return numbers(value)


def _decoded(sensors: dict[Sensor, Columns]) -> list[Decoded]:
    if not sensors:
        return [Refusal(SENSOR)]
    if any(
        len(column) != len(next(iter(columns.values()))) for columns in sensors.values() for column in columns.values()
    ):
        return [Refusal(SHAPE)]
    if not all({"x", "y", "z"} <= columns.keys() for columns in sensors.values()):
        return [Refusal(SHAPE)]
    if not any(TIMES in columns for columns in sensors.values()):
        return _together(sensors)
    return [_rows(sensor, columns) for sensor, columns in sensors.items() if columns["x"].size]


def _together(sensors: dict[Sensor, Columns]) -> list[Decoded]:
    """Join acceleration and angular rate that have no times, where each has as many rows."""
    if not {"total_acc", "gyro"} <= sensors.keys():
        return [Refusal(SENSOR)]
    acceleration, rate = _values(sensors["total_acc"]), _values(sensors["gyro"])
    if len(acceleration) != len(rate):
        return [Refusal(SHAPE)]
    return [Readings(np.hstack([acceleration, rate]))] if len(rate) else []


def _rows(sensor: Sensor, columns: Columns) -> Decoded:
    times_s = columns.get(TIMES)
    if times_s is None or not (np.abs(times_s) < LATEST_S).all():
        return Refusal(TIME)
    return SensorRows(sensor, _values(columns), times_s)


def _values(columns: Columns) -> NDArray[np.float64]:
    return np.column_stack([columns[axis] for axis in "xyz"])


def encode(times_s: ArrayLike, values: ArrayLike, *, gyro_lag_s: float = 0.0) -> bytes:
    """Give samples (n, 6) in m/s2 and rad/s as a message that decodes to the very same numbers; NaN goes as null."""
    samples = np.asarray(values, np.float64).reshape(-1, CHANNELS)
    times: NDArray[np.float64] = np.asarray(times_s, np.float64)
    names = ("accX", "accY", "accZ", "gyrX", "gyrY", "gyrZ")
    message = {name: samples[:, at].tolist() for at, name in enumerate(names)}
    message |= {"acc_time": times.tolist(), "gyr_time": (times + gyro_lag_s).tolist()}
    return msgspec.json.encode(message)  # which writes null for what is not finite
