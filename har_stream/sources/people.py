"""The people whom the simulator plays: parameters estimated from recorded volunteers, kept in people.json.

Rows of six are acc x y z in g, then gyro x y z in rad/s. har-train people writes the file, load_people reads it.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Final, Literal

import msgspec

from har_stream.errors import ConfigError

PEOPLE: Final = Path(__file__).with_name("people.json")

Vector = tuple[float, float, float]
Six = tuple[float, float, float, float, float, float]
Row = tuple[float, ...]
Rows = tuple[Row, Row, Row, Row, Row, Row]


class Noise(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Autoregressive noise, a model a channel: x[i] = sum(memory[k] * x[i - 1 - k]) + innovation * normal."""

    memory: Rows
    innovation: Six


class Posture(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How a person keeps still.

    gravity_g holds where gravity pointed each time the posture was taken; sway_rad how far it wanders meanwhile;
    unrest the spread of the logarithm of the noise's strength from second to second.
    """

    gravity_g: tuple[Vector, ...]
    sway_rad: float
    unrest: float
    noise: Noise


class Gait(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How a person walks.

    mean is the average of each channel, cycle its Fourier series over a stride (two steps): cosine and sine of
    each harmonic in turn. stride_spread and strength_spread are relative standard deviations of stride frequency
    and of the cycle's amplitude.
    """

    stride_hz: float
    stride_spread: float
    strength_spread: float
    mean: Six
    cycle: Rows
    noise: Noise


class Turn(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A change of posture: how long it takes, and the peak of the motion beside gravity's rotation (rms)."""

    duration_s: float
    motion: Six


class Person(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One volunteer, by the names of har_stream.activities."""

    subject: int
    postures: dict[str, Posture]
    gaits: dict[str, Gait]
    turns: dict[str, Turn]


class People(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """people.json, whole; the parameters hold at rate_hz."""

    format: Literal[1]
    rate_hz: float
    people: tuple[Person, ...]


@cache
def load_people(path: Path = PEOPLE) -> People:
    """Read people.json. Raises ConfigError on anything that is not one."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=People)
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}") from None
    except msgspec.DecodeError as error:
        raise ConfigError(f"{path}: not a file of simulated people: {error}") from None
