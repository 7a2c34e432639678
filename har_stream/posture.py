"""How a body is held, told from where gravity points: beside where it pointed while the body walked."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from har_stream.upright import UP, unit

UPRIGHT_BELOW_DEG: Final = 20.0
LYING_ABOVE_DEG: Final = 60.0
UPRIGHT, LEANING, LYING = "upright", "leaning", "lying"


def posture(gravity: NDArray[np.float64], reference: NDArray[np.float64] | None = None) -> tuple[str, float]:
    """Return how the body is held, and by how many degrees gravity (3,) is off.

    reference (3,) is gravity's direction while the body walks; None takes UCI HAR's, a device at the waist.
    """
    up = np.asarray(UP, np.float64) if reference is None else reference
    cosine = float(np.clip(unit(gravity) @ unit(up), -1, 1))
    angle_deg = float(np.degrees(np.arccos(cosine)))
    if angle_deg < UPRIGHT_BELOW_DEG:
        return UPRIGHT, angle_deg
    return (LYING if angle_deg > LYING_ABOVE_DEG else LEANING), angle_deg
