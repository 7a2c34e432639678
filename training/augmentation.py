"""Training windows as other people would have worn the device: turned upright or not, tilted, on the other side.

All sensors of a window are turned alike. The filters are linear and alike on all axes, so that turning a window
equals turning the recording that it was cut from (but for the median of 3, which acts on spikes alone).
"""

from __future__ import annotations

from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from har_stream.activities import CODE_BY_NAME, WALKING
from har_stream.datasets import WindowTable
from har_stream.samples import Samples
from har_stream.upright import gravity_of, rotation_to_up, turned

WALKING_CODE: Final = CODE_BY_NAME[WALKING]
Rotations = NDArray[np.float64]
OTHER_SIDE: Final = np.array([1, -1, 1, -1, 1, -1, 1, -1, 1], np.float32)
"""Of each channel, when a device that is worn at one side of the body, face outward and top up, moves to the other.

The body is symmetrical: what is outward and up there stays so, and forward becomes backward. Accelerations are
mirrored as (x, -y, z), angular rates, whose axes are not mirrored but whose sense is, as (-x, y, -z).
"""


class Augmentation(msgspec.Struct, frozen=True):
    """How windows vary from epoch to epoch.

    tilt_deg is the standard deviation of a random rotation about each axis; turned_share the share of windows that
    are turned into their recording's upright frame first, and then by turned_tilt_deg: where up is known, less is open.
    mirrored_share is the share of windows that are as if the device were worn at the body's other side.
    """

    tilt_deg: float
    turned_tilt_deg: float
    turned_share: float
    mirrored_share: float = 0.0


def augmented(values: Samples, upright: Rotations, how: Augmentation, generator: np.random.Generator) -> Samples:
    """Return windows (n, window, 9) for one epoch; upright (n, 3, 3) turns each into its recording's frame."""
    count = len(values)
    axes = generator.standard_normal((count, 3))
    chosen = generator.random((count, 1, 1)) < how.turned_share
    tilt_deg = np.where(chosen[:, 0], how.turned_tilt_deg, how.tilt_deg)
    tilt = Rotation.from_rotvec(np.radians(tilt_deg) * axes).as_matrix()
    seen = turned(values, tilt @ np.where(chosen, upright, np.eye(3)))
    mirrored = generator.random((count, 1, 1)) < how.mirrored_share
    return np.where(mirrored, seen * OTHER_SIDE, seen)


def upright_rotations(table: WindowTable) -> Rotations:
    """Return for each window (n, 3, 3) the rotation that makes gravity while walking in its recording point up.

    A recording without walking stays as it is.
    """
    return _rotations(table, table.codes == WALKING_CODE)


def calibration(table: WindowTable, *, samples: int, window: int) -> tuple[Rotations, NDArray[np.bool_]]:
    """As upright_rotations, but known from the first `samples` of walking alone; and which windows those touch.

    What touches the calibration is for no score.
    """
    used = np.zeros(len(table.codes), np.bool_)
    inside = np.zeros(len(table.codes), np.bool_)
    for own in _recordings(table):
        walking = own & (table.codes == WALKING_CODE)
        if walking.any():
            begins = table.start[walking].min()
            inside |= walking & (table.start <= begins + samples - window)
            used |= walking & (table.start < begins + samples)
    return _rotations(table, inside), used


def _rotations(table: WindowTable, taught_by: NDArray[np.bool_]) -> Rotations:
    rotations = np.tile(np.eye(3), (len(table.codes), 1, 1))
    for own in _recordings(table):
        teachers = table.values[own & taught_by]
        if len(teachers):
            rotations[own] = rotation_to_up(gravity_of(teachers).mean(axis=0, keepdims=True))
    return rotations


def _recordings(table: WindowTable) -> list[NDArray[np.bool_]]:
    """Return a mask (n,) for each recording; UCI HAR's rows do not tell a volunteer's recordings apart."""
    keys = table.subject.astype(np.int64) * (int(table.experiment.max(initial=0)) + 1) + table.experiment
    return [keys == key for key in np.unique(keys)]
