"""The app SensorServer."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given

from har_stream.formats.format import Refusal
from har_stream.formats.sensor_server import SensorServerDecoder, encode
from tests.decoding import GARBAGE, SAMPLES, rows_of
from tests.test_json_blocks import JSON

GYRO = {
    "type": "android.sensor.gyroscope",
    "accuracy": 2,
    "timestamp": 3_925_657_519_043_709,
    "values": [1, -2.5, None],
}


def push(**changes: Any) -> list[Any]:
    return SensorServerDecoder().push(json.dumps(GYRO | changes).encode())


def test_a_message_is_a_row() -> None:
    row = rows_of(push())["gyro"]
    assert row.times_s.tolist() == [3925657.519043709]
    assert np.array_equal(row.values, [[1, -2.5, np.nan]], equal_nan=True)


@pytest.mark.parametrize(
    ("kind", "sensor"), [("accelerometer", "total_acc"), ("linear_acceleration", "body_acc"), ("gravity", "gravity")]
)
def test_the_type_tells_the_sensor(kind: str, sensor: str) -> None:
    assert list(rows_of(push(type=f"android.sensor.{kind}"))) == [sensor]


def test_other_sensors_are_skipped() -> None:
    assert push(type="android.sensor.light", values=[1]) == []


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"type": ""}, "sensor"),
        ({"type": "accelerometer"}, "sensor"),
        ({"type": 1}, "message"),
        ({"values": [1, 2]}, "shape"),
        ({"values": [1, 2, 3, 4]}, "shape"),
        ({"values": [1, 2, True]}, "message"),
        ({"values": None}, "message"),
        ({"timestamp": 1.5}, "time"),
        ({"timestamp": None}, "time"),
        ({"timestamp": 10**21}, "time"),
        ({"timestamp": True}, "time"),
    ],
)
def test_other_messages_are_refused_by_their_reason(changes: dict[str, Any], reason: str) -> None:
    assert push(**changes) == [Refusal(reason)]


@given(SAMPLES)
def test_what_is_encoded_decodes_to_the_very_same(values: np.ndarray[Any, np.dtype[np.float32]]) -> None:
    messages = encode(np.arange(len(values)) / 100, values)
    decoded = [rows_of(SensorServerDecoder().push(message)) for message in messages]
    assert np.array_equal(np.concatenate([one["total_acc"].values for one in decoded[::2]]), values[:, :3])
    assert np.array_equal(np.concatenate([one["gyro"].values for one in decoded[1::2]]), values[:, 3:])


@given(JSON, JSON, JSON)
def test_no_json_raises(kind: Any, stamp: Any, values: Any) -> None:
    push(type=kind, timestamp=stamp, values=values)


@given(GARBAGE)
def test_no_bytes_raise(data: bytes) -> None:
    SensorServerDecoder().push(data)
