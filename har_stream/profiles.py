"""What a device sends and how it is worn: the facts that no payload tells, to g, rad/s and the body's axes.

A profile is built in, or stands in config.toml as [profiles.NAME]; [devices] says which device has which.
"""

from __future__ import annotations

from collections.abc import Mapping
from fnmatch import fnmatchcase
from typing import Annotated, Any, Final, Literal

import msgspec
import numpy as np

from har_stream.errors import ConfigError, nearest
from har_stream.formats.format import Values
from har_stream.samples import Samples

G: Final = 9.80665
"""m/s2."""

AXES: Final = "xyz"

FLOAT32: Final = np.dtype(np.float32)

FormatName = Literal[
    "auto",
    "frames",
    "lines",
    "witmotion",
    "json-block",
    "cbor-block",
    "sensor-logger",
    "phyphox",
    "sensor-server",
]
AccUnit = Literal["g", "m/s2", "mg", "raw"]
GyroUnit = Literal["rad/s", "deg/s", "mrad/s", "raw"]
Scale = Annotated[float, msgspec.Meta(gt=0, lt=1e12)]
Rate = Annotated[float, msgspec.Meta(gt=0, le=10_000)]


class Profile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One kind of device. acc_scale and gyro_scale are the steps of a "raw" value for 1 g and for 1 deg/s.

    axes gives the body's x, y, z as the device's own, such as "-y,x,z"; it turns the device and cannot mirror it.
    acc_sign -1 is for those that report what pulls instead of what holds, as iOS does; the gyroscope knows no such
    choice. rate_hz helps where times come from arrivals. gravity tells what acceleration holds.
    """

    format: FormatName = "auto"
    acc_unit: AccUnit = "g"
    gyro_unit: GyroUnit = "rad/s"
    acc_scale: Scale = 16384.0
    gyro_scale: Scale = 131.0
    uncalibrated_acc_unit: AccUnit = "m/s2"
    axes: str = "x,y,z"
    acc_sign: Literal[-1, 1] = 1
    rate_hz: Rate | None = None
    gravity: Literal["included", "removed"] = "included"


SI: Final = Profile(acc_unit="m/s2", gyro_unit="rad/s")

BUILT_IN: Final[Mapping[str, Profile]] = {
    "har-block": Profile(),
    "nordic-data-forwarder": SI,
    "edge-impulse": Profile(acc_unit="m/s2", gyro_unit="deg/s"),
    "arduino-lsm6ds": Profile(format="lines", gyro_unit="deg/s", rate_hz=104.0),
    "mpu6050-raw": Profile(format="lines", acc_unit="raw", gyro_unit="raw"),
    "witmotion": Profile(gyro_unit="deg/s"),
    "sensor-logger-android": SI,
    "sensor-logger-ios": msgspec.structs.replace(SI, uncalibrated_acc_unit="g", acc_sign=-1),
    "phyphox": SI,
    "sensor-server": SI,
    "thingy52": Profile(acc_unit="raw", gyro_unit="raw", acc_scale=2.0**10, gyro_scale=2.0**5),
    "sensortag-cc2650": Profile(acc_unit="raw", gyro_unit="raw", acc_scale=4096.0, gyro_scale=128.0),
}

BY_FORMAT: Final[Mapping[str, str]] = {
    "frames": "nordic-data-forwarder",
    "lines": "edge-impulse",
    "witmotion": "witmotion",
    "json-block": "har-block",
    "cbor-block": "har-block",
    "sensor-logger": "sensor-logger-android",
    "phyphox": "phyphox",
    "sensor-server": "sensor-server",
}
"""The profile of a device that none is configured for."""

BASE: Final = "base"
DEFAULT_BASE: Final = "har-block"


class Profiles:
    """The profiles of a deployment, and which device has which.

    configured maps a name to the keys of Profile that it sets, and "base" to the profile that it takes the others
    from: by default the built-in one that it overrides, else har-block. devices maps patterns of device ids, with *
    and ?, to names; the first that fits holds. Raises ConfigError that names the key.
    """

    def __init__(
        self, configured: Mapping[str, Mapping[str, Any]] | None = None, devices: Mapping[str, str] | None = None
    ) -> None:
        self._configured, self._devices = configured or {}, devices or {}
        self._by_name = dict(BUILT_IN)
        for name in self._configured:
            self._by_name[name] = self._resolved(name, ())
        for pattern, name in self._devices.items():
            if name not in self._by_name:
                raise ConfigError(f"devices.{pattern}: no profile {name!r}{nearest(name, self._by_name)}")

    def of(self, device: str) -> Profile | None:
        """Return the profile that is configured for a device, None where none is."""
        name = self.name_of(device)
        return None if name is None else self._by_name[name]

    def name_of(self, device: str) -> str | None:
        """Return the name of the profile that is configured for a device, None where none is."""
        return next((name for pattern, name in self._devices.items() if fnmatchcase(device, pattern)), None)

    def named(self, name: str) -> Profile:
        """Return a profile. Raises ConfigError where there is none of that name."""
        if name not in self._by_name:
            raise ConfigError(f"no profile {name!r}{nearest(name, self._by_name)}")
        return self._by_name[name]

    def for_format(self, format_name: str) -> Profile:
        """Return the profile of devices for which none is configured."""
        return self._by_name[BY_FORMAT[format_name]]

    def _resolved(self, name: str, above: tuple[str, ...]) -> Profile:
        if name in above:
            raise ConfigError(f"profiles.{above[-1]}.base: {' from '.join((*above, name))} goes round in a circle")
        keys = dict(self._configured[name])
        base = keys.pop(BASE, name if name in BUILT_IN else DEFAULT_BASE)
        if base in self._configured and base != name:
            profile = self._resolved(base, (*above, name))
        elif base in BUILT_IN:
            profile = BUILT_IN[base]
        else:
            known = {*BUILT_IN, *self._configured}
            raise ConfigError(f"profiles.{name}.base: no profile {base!r}{nearest(base, known)}")
        profile = msgspec.structs.replace(profile, **keys)
        _check(name, profile)
        return profile


def _check(name: str, profile: Profile) -> None:
    try:
        mounting(profile.axes)
    except ValueError as error:
        raise ConfigError(f"profiles.{name}.axes: {error}") from None
    if profile.gravity == "removed":
        raise ConfigError(
            f"profiles.{name}.gravity: without gravity no posture can be told; let the device send acceleration "
            f"with gravity, or its gravity sensor too"
        )


def mounting(axes: str) -> tuple[tuple[int, int, int], tuple[int, int, int]]:
    """Return which of the device's axes is each of the body's, and its sign. Raises ValueError for what is no turn."""
    words = [word.strip() for word in axes.split(",")]
    if sorted(word.lstrip("+-") for word in words) != list(AXES) or any(len(word) > len("-x") for word in words):
        raise ValueError(f"{axes!r} is not x, y and z in some order, each with or without -, such as -y,x,z")
    columns = tuple(AXES.index(word[-1]) for word in words)
    signs = tuple(-1 if word[0] == "-" else 1 for word in words)
    if np.linalg.det(np.eye(len(AXES))[list(columns)] * np.array(signs)) < 0:
        raise ValueError(f"{axes!r} mirrors the device, which no way of wearing it does; change one sign")
    return columns, signs  # type: ignore[return-value]  # three words, as the sorted letters say


class Conversion:
    """A profile's arithmetic, with the units that a payload itself may give: (n, 6) or one sensor (n, 3)."""

    def __init__(self, profile: Profile, acc_unit: str | None = None, gyro_unit: str | None = None) -> None:
        columns, signs = mounting(profile.axes)
        turn = np.array(signs, np.float64)
        self._acc = turn * profile.acc_sign * _per_g(acc_unit or profile.acc_unit, profile)
        self._uncalibrated = turn * profile.acc_sign * _per_g(profile.uncalibrated_acc_unit, profile)
        self._gyro = turn * _per_rads(gyro_unit or profile.gyro_unit, profile)
        self._divisors = np.concatenate([self._acc, self._gyro])
        self._columns = list(columns)
        self._order = [*columns, *(column + len(AXES) for column in columns)]
        self._in_order = self._order == list(range(len(self._order)))
        self._identity = self._in_order and bool((self._divisors == 1).all())
        self._makes_smaller = bool((np.abs(self._divisors) >= 1).all())

    def samples(self, values: Values) -> Samples:
        """Return readings (n, 6) as g and rad/s; those that are so already keep every bit, and are not copied."""
        narrow = values.dtype == FLOAT32
        if narrow and self._identity:
            return values
        turned = values if self._in_order else values[:, self._order]
        if narrow and self._makes_smaller:
            narrowed: Samples = (turned / self._divisors).astype(FLOAT32)
            return narrowed
        with np.errstate(over="ignore"):  # what float32 cannot hold becomes infinite, which the intake refuses
            return np.asarray(turned if self._identity else turned / self._divisors, np.float32)

    def readings(self, samples: Values) -> Values:
        """Return what the device would have sent for g and rad/s (..., 6): the inverse of samples()."""
        readings = np.empty(samples.shape, np.float64)
        readings[..., self._order] = samples * self._divisors
        return readings

    def acceleration(self, values: Values, *, uncalibrated: bool) -> Values:
        """Return rows (n, 3) of an acceleration as g."""
        return np.asarray(values[:, self._columns] / (self._uncalibrated if uncalibrated else self._acc))

    def rate(self, values: Values) -> Values:
        """Return rows (n, 3) of a gyroscope as rad/s."""
        return np.asarray(values[:, self._columns] / self._gyro)


class Conversions:
    """The conversions of one profile, by the units that payloads give."""

    def __init__(self, profile: Profile) -> None:
        self._profile = profile
        self._by_units: dict[tuple[str | None, str | None], Conversion] = {}

    def of(self, units: tuple[str | None, str | None] = (None, None)) -> Conversion:
        """Return the one for units of acceleration and angular rate, None each where a payload gives none."""
        conversion = self._by_units.get(units)
        if conversion is None:
            conversion = self._by_units[units] = Conversion(self._profile, *units)
        return conversion


def _per_g(unit: str, profile: Profile) -> float:
    return {"g": 1.0, "m/s2": G, "mg": 1e3, "raw": profile.acc_scale}[unit]


def _per_rads(unit: str, profile: Profile) -> float:
    degrees = 180 / np.pi
    return float({"rad/s": 1.0, "deg/s": degrees, "mrad/s": 1e3, "raw": profile.gyro_scale * degrees}[unit])
