"""Which unit an acceleration has, guessed from what it is at rest: 1 g, whatever that is called."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from har_stream.profiles import G, Profile

RAW: Final = "raw"
UNITS: Final[tuple[tuple[float, str], ...]] = (
    (1.0, "g"),
    (G, "m/s2"),
    (1000.0, "mg"),
    *((float(1 << power), RAW) for power in range(10, 15)),
)
"""What 1 g is in each unit. 1024 counts a g and mg lie too near each other to be told apart."""

NEAR: Final = 0.12
"""How far a norm at rest may be off: sensors have offsets of up to 0.1 g."""

STILL: Final = 0.03
"""Of the mean: the spread of norms up to which a body is at rest."""

LEAST: Final = 10
"""Samples that tell something."""

NO_GRAVITY: Final = 0.3


@dataclass(frozen=True, slots=True)
class Norm:
    """The median norm of some accelerations, in the device's unit, and whether the body was at rest."""

    value: float
    at_rest: bool


def norm_of(accelerations: NDArray[np.floating]) -> Norm | None:
    """Return the norm of (n, 3); None where there are too few, or none is finite."""
    norms = np.linalg.norm(accelerations, axis=1)
    norms = norms[np.isfinite(norms)]
    if len(norms) < LEAST:
        return None
    return Norm(float(np.median(norms)), bool(norms.std() <= STILL * norms.mean()))


def guess(norm: Norm) -> tuple[str, float] | None:
    """Return the unit that a norm looks like and what 1 g is in it; None where it looks like none."""
    found = [(unit, one_g) for one_g, unit in UNITS if abs(norm.value / one_g - 1) <= NEAR]
    return found[0] if found else None


def judged(norm: Norm | None, profile: Profile, acc_unit: str | None) -> tuple[str, bool | None]:
    """Return in words what a norm looks like against what profile or payload say, and whether they agree."""
    if norm is None:
        return "", None
    when = "at rest" if norm.at_rest else "in motion; hold it still to be sure"
    said = acc_unit or profile.acc_unit
    found = guess(norm)
    if found is None:
        less = norm.value < NO_GRAVITY
        what = "gravity seems removed" if less else "looks like no unit that is known"
        return f"{what}: norm {norm.value:.4g} {when}", False if norm.at_rest else None
    unit, one_g = found
    scaled = f" ({one_g:g} a g)" if unit == RAW else ""
    agrees = unit == said and (unit != RAW or abs(profile.acc_scale / one_g - 1) <= NEAR)
    verdict = "" if agrees else f", but it is taken for {said}{f' ({profile.acc_scale:g} a g)' if said == RAW else ''}"
    return f"looks like {unit}{scaled}: norm {norm.value:.4g} {when}{verdict}", agrees
