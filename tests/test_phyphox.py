"""The app phyphox."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from har_stream.formats.format import Refusal
from har_stream.formats.phyphox import PhyphoxDecoder, encode, meaning_of
from tests.decoding import GARBAGE, SAMPLES, rows_of, values_of
from tests.test_json_blocks import JSON

NAN = float("nan")


def push(**message: Any) -> list[Any]:
    return PhyphoxDecoder().push(json.dumps(message).encode())


ACC = {"accX": [1, 2], "accY": [3, 4], "accZ": [5, None]}
GYR = {"gyrX": [6, 7], "gyrY": [8, 9], "gyrZ": [0, 1]}


@pytest.mark.parametrize(
    ("name", "meaning"),
    [
        ("accX", ("total_acc", "x")),
        ("acc_y", ("total_acc", "y")),
        ("Acceleration z", ("total_acc", "z")),
        ("acc_time", ("total_acc", "t")),
        ("accT", ("total_acc", "t")),
        ("gyrX", ("gyro", "x")),
        ("gyroscope-time", ("gyro", "t")),
        ("lin_accX", ("body_acc", "x")),
        ("linear acceleration time", ("body_acc", "t")),
        ("gravityZ", ("gravity", "z")),
        ("magX", None),
        ("accuracy", None),
        ("acc", None),
        ("", None),
    ],
)
def test_names_tell_sensor_and_axis(name: str, meaning: tuple[str, str] | None) -> None:
    assert meaning_of(name) == meaning


def test_sensors_with_times_are_rows_of_their_own() -> None:
    rows = rows_of(push(**ACC, **GYR, acc_time=[0.1, 0.2], gyr_time=[0.11, 0.21], magX=["?"]))
    assert rows["total_acc"].times_s.tolist() == [0.1, 0.2]
    assert np.array_equal(rows["total_acc"].values, [[1.0, 3, 5], [2, 4, NAN]], equal_nan=True)
    assert rows["gyro"].values.tolist() == [[6, 8, 0], [7, 9, 1]]


def test_scalars_and_buffers_are_columns_too() -> None:
    rows = rows_of(push(gyrX=1, gyrY={"buffer": [2], "size": 0}, gyrZ=3.5, gyr_time=9))
    assert (rows["gyro"].values.tolist(), rows["gyro"].times_s.tolist()) == ([[1, 2, 3.5]], [9])


def test_without_times_both_sensors_come_as_one() -> None:
    assert np.array_equal(values_of(push(**ACC, **GYR)), [[1.0, 3, 5, 6, 8, 0], [2, 4, NAN, 7, 9, 1]], equal_nan=True)


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        ({}, "sensor"),
        ({"magX": 1}, "sensor"),
        (ACC, "sensor"),
        (ACC | GYR | {"gyrX": [1]}, "shape"),
        (ACC | {"gyrX": [1], "gyrY": [1], "gyrZ": [1]}, "shape"),
        ({"accX": [1], "acc_time": [1]}, "shape"),
        (ACC | {"acc_time": [1]}, "shape"),
        (ACC | {"accX": [1, True]}, "shape"),
        (ACC | {"accX": "1"}, "shape"),
        (ACC | {"accX": [1, 10**400]}, "shape"),
        (ACC | {"acc_time": [1, None]}, "time"),
        (ACC | {"acc_time": [1, 1e12]}, "time"),
    ],
)
def test_other_messages_are_refused_by_their_reason(message: dict[str, Any], reason: str) -> None:
    assert push(**message) == [Refusal(reason)]


@given(SAMPLES)
def test_what_is_encoded_decodes_to_the_very_same(values: np.ndarray[Any, np.dtype[np.float32]]) -> None:
    times_s = np.arange(len(values)) / 100
    rows = rows_of(PhyphoxDecoder().push(encode(times_s, values, gyro_lag_s=0.003)))
    assert np.array_equal(rows["total_acc"].values, values[:, :3])
    assert np.array_equal(rows["gyro"].values, values[:, 3:])
    assert rows["gyro"].times_s.tolist() == (times_s + 0.003).tolist()


@given(st.dictionaries(st.sampled_from([*ACC, *GYR, "acc_time", "gyr_time"]) | st.text(max_size=3), JSON))
def test_no_json_raises(message: dict[str, Any]) -> None:
    push(**message)


@given(GARBAGE)
def test_no_bytes_raise(data: bytes) -> None:
    PhyphoxDecoder().push(data)
