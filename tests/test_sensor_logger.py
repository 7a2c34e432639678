"""The app Sensor Logger."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from har_stream.formats.format import Refusal, SensorRows
from har_stream.formats.sensor_logger import SensorLoggerDecoder, encode
from tests.decoding import GARBAGE, SAMPLES, refused, rows_of
from tests.test_json_blocks import JSON

NS = 1_698_501_144_401_773_000


def entry(name: str, time: Any = NS, **values: Any) -> dict[str, Any]:
    return {"name": name, "time": time, "values": values or {"x": 1, "y": 2.5, "z": -3}}


def push(*entries: Any) -> list[Any]:
    message = {"messageId": 1, "sessionId": "s", "deviceId": "phone-1", "payload": entries}
    return SensorLoggerDecoder().push(json.dumps(message).encode())


@pytest.mark.parametrize(
    ("name", "sensor", "uncalibrated"),
    [
        ("accelerometer", "body_acc", False),
        ("gravity", "gravity", False),
        ("gyroscope", "gyro", False),
        ("Gyroscope", "gyro", False),
        ("totalacceleration", "total_acc", False),
        ("accelerometeruncalibrated", "total_acc", True),
        ("Accelerometer Uncalibrated", "total_acc", True),
    ],
)
def test_each_motion_sensor_has_rows_of_its_own(name: str, sensor: str, uncalibrated: bool) -> None:  # noqa: FBT001
    (one,) = push(entry(name), entry(name, NS + 10_000_000))
    assert isinstance(one, SensorRows)
    assert (one.sensor, one.uncalibrated, one.device, one.worn) == (sensor, uncalibrated, "phone-1", "")
    assert one.values.tolist() == [[1, 2.5, -3]] * 2
    assert np.allclose(one.times_s - NS / 1e9, [0, 0.01], atol=1e-6, rtol=0)


def test_a_watch_is_three_sensors_worn_at_the_wrist() -> None:
    axes = {
        f"{name}{axis}": at
        for at, (name, axis) in enumerate((n, a) for n in ("acceleration", "gravity", "rotationRate") for a in "XYZ")
    }
    for name in ("wrist motion", "wristmotion", "WristMotion"):
        rows = rows_of(push(entry(name, NS, **axes)))
        assert {sensor: one.values.tolist() for sensor, one in rows.items()} == {
            "body_acc": [[0, 1, 2]],
            "gravity": [[3, 4, 5]],
            "gyro": [[6, 7, 8]],
        }
        assert all(one.worn == "wrist" and one.uncalibrated for one in rows.values())


def test_other_sensors_are_skipped() -> None:
    assert push(entry("location", latitude=1), entry("battery", level="x"), entry("magnetometer"), entry("")) == []
    assert push(entry("gyroscopeuncalibrated")) == []


@pytest.mark.parametrize("time", [None, "1", 1.5, True, 10**21, -(10**21), 10**400])
def test_a_row_without_a_lawful_time_is_refused_alone(time: Any) -> None:
    decoded = push(entry("gravity", time), entry("gravity"))
    assert refused(decoded) == {"time": 1}
    assert len(rows_of(decoded)["gravity"].values) == 1


@pytest.mark.parametrize("values", [{"x": "1"}, {"x": True}, {"x": [1]}, {"x": 10**400}])
def test_a_row_without_numbers_is_refused_alone(values: dict[str, Any]) -> None:
    decoded = push(entry("gyroscope", **({"y": 1, "z": 1} | values)), entry("gyroscope"), entry("gyroscope", x=1, y=1))
    assert refused(decoded) == {"shape": 1}
    assert np.isnan(rows_of(decoded)["gyro"].values).tolist() == [[False] * 3, [False, False, True]]


@pytest.mark.parametrize(
    "message",
    [
        b"",
        b"{}",
        b'{"payload":{}}',
        b'{"payload":[1]}',
        b'{"deviceId":1,"payload":[]}',
        b'{"payload":' + b"[" * 100_000,
        b'{"payload":[{"name":"gravity","time":' + b"9" * 4301 + b"}]}",
    ],
)
def test_other_messages_are_refused(message: bytes) -> None:
    assert SensorLoggerDecoder().push(message) == [Refusal("message")]


@given(SAMPLES)
def test_what_is_encoded_decodes_to_the_same(values: np.ndarray[Any, np.dtype[np.float32]]) -> None:
    times_s = 1.7e9 + np.arange(len(values)) / 100
    rows = rows_of(SensorLoggerDecoder().push(encode(times_s, values, device="p", gyro_lag_s=0.003)))
    assert np.allclose(rows["body_acc"].values + rows["gravity"].values, values[:, :3], atol=1e-9)
    assert np.array_equal(rows["gyro"].values, values[:, 3:])
    assert np.allclose(rows["gyro"].times_s - times_s, 0.003, atol=1e-6, rtol=0)


@given(
    st.lists(
        st.fixed_dictionaries(
            {"name": st.sampled_from(["gravity", "wrist motion", "x"]), "time": JSON, "values": JSON}
        ),
        max_size=4,
    ),
    JSON,
)
def test_no_json_raises(entries: list[Any], device: Any) -> None:
    SensorLoggerDecoder().push(json.dumps({"deviceId": device, "payload": entries}).encode())


@given(GARBAGE)
def test_no_bytes_raise(data: bytes) -> None:
    SensorLoggerDecoder().push(data)
