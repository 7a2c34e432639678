"""Whether a device's profile is right, told from what a body can do: wrong units and missing gravity are noticed.

Whatever people do, acceleration averaged over a window is gravity, 1 g: in all windows of 21 volunteers of HAPT it is
0.92 to 1.08 g; and while they walk their angular rate in rad/s is 1.1 to 4.7 times their body acceleration in g (root
mean squares). What is far from both, window after window, comes from another unit. Nothing is refused for it: labels
may be wrong, and it is said why.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Final

import numpy as np
from numpy.typing import NDArray

from har_stream.framed import mean
from har_stream.samples import Rows, Samples

IN_A_ROW: Final = 3
"""Windows that must say the same before it is said, or taken back."""

LIKE_MS2: Final = (5.0, 20.0)
LIKE_TENTH: Final = (0.08, 0.13)
STEADY: Final = 0.8
"""Body acceleration, as a share of the mean, below which a mean of a tenth of 1 g is gravity and not chance."""
NO_GRAVITY_BELOW_G: Final = 0.3
RIGHT_G: Final = (0.75, 1.3)
REST: Final = 0.05
MOTION_G: Final = 0.15
DEGREES_ABOVE: Final = 20.0
RADIANS_BELOW: Final = 0.25
"""Angular rate (rad/s) by body acceleration (g), in motion."""
STILL_RADS: Final = 1e-6
LIKE_MG: Final = (300.0, 3000.0)
"""Of what the intake refused as out of range."""


class Suspicion(IntEnum):
    """What seems wrong with a device's samples."""

    NONE = 0
    ACC_MS2 = 1
    ACC_TENTH = 2
    NO_GRAVITY = 3
    ACC_OFF = 4
    GYRO_DEGREES = 5
    GYRO_RADIANS = 6
    NO_GYRO = 7
    ACC_MG = 8
    RAW = 9


TEXTS: Final = {
    Suspicion.ACC_MS2: "acceleration looks like m/s2 that is taken for g: give it a profile with acc_unit = m/s2",
    Suspicion.ACC_TENTH: "acceleration looks like g that is taken for m/s2: give it a profile with acc_unit = g",
    Suspicion.NO_GRAVITY: "gravity looks removed from acceleration: no posture can be told without it; "
    "let the device send acceleration with gravity",
    Suspicion.ACC_OFF: "acceleration at rest is far from 1 g: check acc_unit and acc_scale of its profile",
    Suspicion.GYRO_DEGREES: "gyro looks like deg/s that is taken for rad/s: give it a profile with gyro_unit = deg/s",
    Suspicion.GYRO_RADIANS: "gyro looks like rad/s that is taken for deg/s: give it a profile with gyro_unit = rad/s",
    Suspicion.NO_GYRO: "gyro gives nothing while the body moves: is the sensor on?",
    Suspicion.ACC_MG: "acceleration looks like mg: give it a profile with acc_unit = mg",
    Suspicion.RAW: "values look like raw counts: give it a profile with acc_unit and gyro_unit = raw and their scales",
}


class Plausibility:
    """Suspicions of `rows` devices."""

    def __init__(self, *, rows: int) -> None:
        self._seen = np.zeros(rows, np.int8)
        self._in_a_row = np.zeros(rows, np.int64)
        self._said = np.zeros(rows, np.int8)

    def forget(self, row: int) -> None:
        """Know nothing of whoever has a row next."""
        self._seen[row] = self._said[row] = Suspicion.NONE
        self._in_a_row[row] = 0

    def said(self, row: int) -> Suspicion:
        """Return what is held against a device."""
        return Suspicion(int(self._said[row]))

    def suspected(self) -> dict[int, Suspicion]:
        """Return the rows of devices that something is held against, and what; also while another thread checks."""
        said = self._said.copy()  # what is held against a row may change, or end, from one look to the next
        return {row: Suspicion(int(said[row])) for row in np.flatnonzero(said).tolist()}

    def check(self, rows: Rows, windows: Samples) -> list[tuple[int, Suspicion]]:
        """Take windows (w, window, 9), a device each at most; give the rows of which something new is to be said."""
        return self._note(rows, suspicions(windows))

    def check_refused(self, row: int, values: Samples) -> list[tuple[int, Suspicion]]:
        """Take samples (n, 6) of one device that were out of range; give the row if something new is to be said."""
        return self._note(np.array([row]), np.array([suspicion_of_refused(values)], np.int8))

    def _note(self, rows: Rows, seen: NDArray[np.int8]) -> list[tuple[int, Suspicion]]:
        again = seen == self._seen[rows]
        self._in_a_row[rows] = np.where(again, self._in_a_row[rows] + 1, 1)
        self._seen[rows] = seen
        new = rows[(self._in_a_row[rows] >= IN_A_ROW) & (seen != self._said[rows])]
        self._said[new] = self._seen[new]
        return [(row, self.said(row)) for row in new.tolist()]


def suspicions(windows: Samples) -> NDArray[np.int8]:
    """Return what seems wrong with each of windows (w, window, 9), codes of Suspicion (w,)."""
    power = mean(windows * windows)
    gravity_g, body_g, gyro = _length(mean(windows)[:, 6:]), _root(power[:, :3]), _root(power[:, 3:6])
    odd = (gyro < RADIANS_BELOW * body_g) | (gyro > DEGREES_ABOVE * body_g)
    in_doubt = ~_within(gravity_g, RIGHT_G) | ((body_g > MOTION_G) & odd)
    found = np.full(len(windows), Suspicion.NONE, np.int8)
    if np.count_nonzero(in_doubt):  # hardly ever
        found[in_doubt] = _named(gravity_g[in_doubt], body_g[in_doubt], gyro[in_doubt])
    return found


def _named(gravity_g: Samples, body_g: Samples, gyro: Samples) -> NDArray[np.int8]:
    """Return what seems wrong with windows (w,), given gravity, and root mean squares of their motion."""
    right = _within(gravity_g, RIGHT_G)
    moves = right & (body_g > MOTION_G)
    cases = {
        Suspicion.ACC_MS2: _within(gravity_g, LIKE_MS2),
        Suspicion.ACC_TENTH: _within(gravity_g, LIKE_TENTH) & (body_g < STEADY * gravity_g),
        Suspicion.NO_GRAVITY: gravity_g < NO_GRAVITY_BELOW_G,
        Suspicion.ACC_OFF: ~right & (body_g < REST * gravity_g),
        Suspicion.GYRO_DEGREES: moves & (gyro > DEGREES_ABOVE * body_g),
        Suspicion.NO_GYRO: moves & (gyro < STILL_RADS),
        Suspicion.GYRO_RADIANS: moves & (gyro < RADIANS_BELOW * body_g),
    }
    found = np.full(len(right), Suspicion.NONE, np.int8)
    for case, holds in reversed(cases.items()):  # the first that holds goes before the others
        found[holds] = case
    return found


def suspicion_of_refused(values: Samples) -> Suspicion:
    """Return what samples (n, 6), of which some were out of range, look like."""
    # Squared in single precision, what is out of range may be out of that, too.
    acceleration = float(np.median(np.linalg.norm(values[:, :3].astype(np.float64), axis=1)))
    if LIKE_MG[0] <= acceleration <= LIKE_MG[1]:
        return Suspicion.ACC_MG
    if acceleration > LIKE_MG[1]:
        return Suspicion.RAW
    if RIGHT_G[0] / 2 <= acceleration <= RIGHT_G[1] * 2:
        return Suspicion.GYRO_DEGREES
    return Suspicion.NONE


def _root(powers: Samples) -> Samples:
    """Return the root (w,) of the sum over the axes of (w, 3)."""
    return np.asarray(np.sqrt(powers.sum(axis=1)))


def _length(vectors: Samples) -> Samples:
    return _root(vectors * vectors)


def _within(values: NDArray[np.float32], bounds: tuple[float, float]) -> NDArray[np.bool_]:
    return np.asarray((values > bounds[0]) & (values < bounds[1]))
