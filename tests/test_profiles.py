"""Profiles: units, mountings and names to g, rad/s and the body's axes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from har_stream.errors import ConfigError
from har_stream.profiles import BUILT_IN, BY_FORMAT, Conversion, Profile, Profiles, mounting

G = 9.80665


def converted(values: list[float], profile: Profile) -> list[float]:
    return [round(float(value), 5) for value in Conversion(profile).samples(np.array([values]))[0]]


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("har-block", [1, 2, -1, np.pi, 0, -np.pi]),
        ("nordic-data-forwarder", [G, 2 * G, -G, np.pi, 0, -np.pi]),
        ("edge-impulse", [G, 2 * G, -G, 180, 0, -180]),
        ("arduino-lsm6ds", [1, 2, -1, 180, 0, -180]),
        ("mpu6050-raw", [16384, 32768, -16384, 131 * 180, 0, -131 * 180]),
        ("witmotion", [1, 2, -1, 180, 0, -180]),
        ("sensor-logger-android", [G, 2 * G, -G, np.pi, 0, -np.pi]),
        ("sensor-logger-ios", [-G, -2 * G, G, np.pi, 0, -np.pi]),
        ("thingy52", [1024, 2048, -1024, 32 * 180, 0, -32 * 180]),
        ("sensortag-cc2650", [4096, 8192, -4096, 128 * 180, 0, -128 * 180]),
    ],
)
def test_a_profile_gives_g_and_rads(name: str, values: list[float]) -> None:
    assert converted(values, BUILT_IN[name]) == [1, 2, -1, 3.14159, 0, -3.14159]


def test_milli_units() -> None:
    profile = Profile(acc_unit="mg", gyro_unit="mrad/s")
    assert converted([1000, 0, -500, 2000, 0, 1], profile) == [1, 0, -0.5, 2, 0, 0.001]


def test_a_mounting_turns_both_sensors_and_the_sign_of_acceleration_one() -> None:
    turned = Profile(axes="-y,x,z")
    assert converted([1, 2, 3, 4, 5, 6], turned) == [-2, 1, 3, -5, 4, 6]
    assert converted([1, 2, 3, 4, 5, 6], Profile(axes="-y,x,z", acc_sign=-1)) == [2, -1, -3, -5, 4, 6]


def test_units_that_a_payload_gives_go_before() -> None:
    one = Conversion(Profile(), "mg", "deg/s").samples(np.array([[1000, 0, 0, 180, 0, 0]]))
    assert np.allclose(one, [[1, 0, 0, np.pi, 0, 0]])


def test_rows_of_one_sensor_are_converted_alike() -> None:
    conversion = Conversion(Profile(acc_unit="m/s2", uncalibrated_acc_unit="g", gyro_unit="deg/s", axes="y,-x,z"))
    rows = np.array([[1.0, 2.0, 3.0]])
    assert np.allclose(conversion.acceleration(rows * G, uncalibrated=False), [[2, -1, 3]])
    assert np.allclose(conversion.acceleration(rows, uncalibrated=True), [[2, -1, 3]])
    assert np.allclose(conversion.rate(rows * 180), [[2 * np.pi, -np.pi, 3 * np.pi]])


@given(arrays(np.uint32, st.tuples(st.integers(1, 5), st.just(6))))
def test_what_is_g_and_rads_keeps_every_bit(bits: np.ndarray[Any, np.dtype[np.uint32]]) -> None:
    values = bits.view(np.float32)
    assert Conversion(Profile()).samples(values).tobytes() == values.tobytes()


@pytest.mark.filterwarnings("error")
def test_what_float32_cannot_hold_is_infinite() -> None:
    for profile in (Profile(), Profile(acc_unit="m/s2")):
        assert np.isposinf(Conversion(profile).samples(np.full((1, 6), 1e300))).all()
    tiny = Profile(acc_unit="raw", gyro_unit="raw", acc_scale=1e-3, gyro_scale=1e-5)
    assert np.isposinf(Conversion(tiny).samples(np.full((1, 6), 1e38, np.float32))).all()


LAWFUL = ["x,y,z", " x , y , z ", "+x,+y,+z", "-y,x,z", "y,z,x", "z,-y,x", "-x,-y,z"]


@pytest.mark.parametrize("axes", LAWFUL)
def test_a_turn_is_lawful(axes: str) -> None:
    columns, signs = mounting(axes)
    assert sorted(columns) == [0, 1, 2]
    assert set(signs) <= {-1, 1}


@pytest.mark.parametrize("axes", ["", "x", "x,y", "x,y,y", "x,y,w", "x,y,z,x", "--x,y,z", "x y z", "X,Y,Z", "+-x,y,z"])
def test_what_is_no_permutation_is_refused(axes: str) -> None:
    with pytest.raises(ConfigError, match=r"profiles.belt.axes: .* such as -y,x,z"):
        Profiles({"belt": {"axes": axes}})


@pytest.mark.parametrize("axes", ["-x,y,z", "y,x,z", "-x,-y,-z"])
def test_a_mirror_is_refused(axes: str) -> None:
    with pytest.raises(ConfigError, match=r"profiles.belt.axes: .* mirrors the device"):
        Profiles({"belt": {"axes": axes}})


@given(st.text(max_size=8))
def test_any_axes_are_lawful_or_a_config_error(axes: str) -> None:
    try:
        Profiles({"belt": {"axes": axes}})
    except ConfigError as error:
        assert "\n" not in str(error)  # noqa: PT017 - most texts raise, and none need to


def test_every_format_has_a_profile() -> None:
    profiles = Profiles()
    assert all(profiles.for_format(name) is BUILT_IN[BY_FORMAT[name]] for name in BY_FORMAT)


def test_a_profile_takes_from_its_base_what_it_does_not_set() -> None:
    profiles = Profiles(
        {"belt": {"base": "strap", "axes": "-y,x,z"}, "strap": {"base": "mpu6050-raw", "acc_scale": 8192.0}}
    )
    assert profiles.named("belt").acc_scale == 8192.0
    assert profiles.named("belt").gyro_unit == "raw"
    assert profiles.named("belt").axes == "-y,x,z"


def test_a_built_in_profile_can_be_changed_and_serves_its_format_so() -> None:
    profiles = Profiles({"edge-impulse": {"acc_unit": "g"}})
    assert profiles.for_format("lines") == Profile(acc_unit="g", gyro_unit="deg/s")


def test_the_first_pattern_that_fits_a_device_holds() -> None:
    profiles = Profiles({}, {"watch-1": "witmotion", "watch-*": "sensor-logger-ios", "*": "phyphox"})
    assert profiles.of("watch-1") is BUILT_IN["witmotion"]
    assert profiles.of("watch-2") is BUILT_IN["sensor-logger-ios"]
    assert profiles.of("phone") is BUILT_IN["phyphox"]
    assert Profiles().of("phone") is None


@pytest.mark.parametrize(
    ("configured", "devices", "fault"),
    [
        (
            {"a": {"base": "edge-impulze"}},
            {},
            "profiles.a.base: no profile 'edge-impulze' (did you mean 'edge-impulse'?)",
        ),
        ({"a": {"base": "b"}, "b": {"base": "a"}}, {}, "profiles.b.base: a from b from a goes round in a circle"),
        ({"a": {"base": "b"}, "b": {"base": "c"}, "c": {"base": "b"}}, {}, "profiles.c.base: a from b from c from b"),
        ({"a": {"base": "a"}}, {}, "profiles.a.base: no profile 'a'"),
        ({"a": {"gravity": "removed"}}, {}, "profiles.a.gravity: without gravity no posture can be told"),
        ({}, {"w*": "witmotoin"}, "devices.w*: no profile 'witmotoin' (did you mean 'witmotion'?)"),
    ],
)
def test_a_fault_names_its_key(configured: dict[str, Any], devices: dict[str, str], fault: str) -> None:
    with pytest.raises(ConfigError) as caught:
        Profiles(configured, devices)
    assert str(caught.value).startswith(fault)


def test_an_unknown_name_is_told_with_the_nearest() -> None:
    with pytest.raises(ConfigError, match=r"no profile 'phyphx' \(did you mean 'phyphox'\?\)"):
        Profiles().named("phyphx")
