"""Where up is on a device, from ten seconds of walking.

The classifier cannot say who walks here: of a device worn another way than it learned it is wrong, which is why one
calibrates. What does not depend on how the device is worn does: the strength of body acceleration, and the
cadence, the frequency that dominates acceleration along gravity: people take about two steps a second (Pachi and
Ji, Frequency and velocity of people walking, The Structural Engineer 83(3), 2005). On HAPT's training volunteers
99.4 % or more of the windows of each of the three ways of walking pass, and 1 % of those at rest: seven in a row
are a walk.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from har_stream.errors import HarStreamError
from har_stream.manifest import Framing
from har_stream.samples import Samples
from har_stream.upright import gravity_of, unit

WALK_S: Final = 10.0
LONGEST_WALK_S: Final = 20.0
"""The first seconds may still lean as in the chair: the gravity filter takes some to forget."""
WAIT_S: Final = 60.0
LEAST_STRENGTH_G: Final = 0.1
"""Root mean square; walking has 0.2 and more, rest 0.01."""
CADENCE_HZ: Final = (1.0, 3.0)
MOST_SPREAD_DEG: Final = 10.0
"""How far gravity may point off its middle: 2 degrees are usual in ten seconds, 7 the most of 137 walks in HAPT."""

BODY_ACC: Final = slice(0, 3)


class CalibrationError(HarStreamError):
    """There was no walk to calibrate by, or the device did not sit still on the body (exit 1)."""


class Calibration:
    """Looks for ten seconds of walking in the windows of one device."""

    def __init__(self, device: str, framing: Framing) -> None:
        self._device, self._rate_hz = device, framing.rate_hz
        self._window_s = framing.window / framing.rate_hz
        self._first_s: float | None = None
        self._walk: list[tuple[float, NDArray[np.float64]]] = []

    def take(
        self, windows: Samples, start_s: NDArray[np.float64], begins: NDArray[np.bool_]
    ) -> NDArray[np.float64] | None:
        """Take windows (w, window, 9) that follow each other, but for those that begin anew, as they came.

        Returns the direction of gravity (3,) once there were ten steady seconds of walking. Raises CalibrationError
        where it is not steady in twenty, and where nobody walks for 60 s of the device's clock.
        """
        steps = zip(walks(windows, self._rate_hz), unit(gravity_of(windows)), start_s.tolist(), begins, strict=True)
        for walking, gravity, at_s, breaks in steps:
            self._first_s = at_s if self._first_s is None else min(self._first_s, at_s)
            if breaks or not walking:
                self._walk = []
            if walking:
                self._walk.append((at_s, gravity))
                direction = self._direction(at_s + self._window_s)
                if direction is not None:
                    return direction
            # Who has begun to walk may finish.
            if at_s - self._first_s >= WAIT_S + (LONGEST_WALK_S if self._walk else 0.0):
                raise CalibrationError(
                    f"{self._device}: no {WALK_S:g} s of walking within {WAIT_S:g} s: wear it as it will be worn, "
                    "begin again and walk without a stop"
                )
        return None

    def _direction(self, now_s: float) -> NDArray[np.float64] | None:
        """Return the middle of the last ten seconds' directions, None where they are not steady or not yet ten."""
        walked_s = now_s - self._walk[0][0]
        if walked_s < WALK_S:
            return None
        gravity = np.array([direction for start_s, direction in self._walk if start_s >= now_s - WALK_S])
        middle = unit(np.median(gravity, axis=0))
        spread_deg = angle_deg(gravity, middle).max()
        if spread_deg <= MOST_SPREAD_DEG:
            return np.asarray(middle)
        if walked_s >= LONGEST_WALK_S:
            raise CalibrationError(
                f"{self._device}: it turned by {spread_deg:.0f} degrees within ten seconds of walking, "
                f"{MOST_SPREAD_DEG:g} are let pass: fix it so that it does not slip, and begin again"
            )
        return None


def walks(windows: Samples, rate_hz: float) -> NDArray[np.bool_]:
    """Tell of windows (w, window, 9), whichever way the device is worn, which are walking."""
    body = windows[:, :, BODY_ACC].astype(np.float64)
    strength_g = np.sqrt((body**2).sum(axis=2).mean(axis=1))
    vertical = (body @ unit(gravity_of(windows))[:, :, np.newaxis])[:, :, 0]
    power = np.abs(np.fft.rfft(vertical * np.hanning(vertical.shape[1]), axis=1)) ** 2
    # The zeroth bin is the mean, which no step makes.
    cadence_hz = np.fft.rfftfreq(vertical.shape[1], 1 / rate_hz)[1 + power[:, 1:].argmax(axis=1)]
    slowest_hz, fastest_hz = CADENCE_HZ
    return np.asarray((strength_g >= LEAST_STRENGTH_G) & (cadence_hz >= slowest_hz) & (cadence_hz <= fastest_hz))


def angle_deg(directions: NDArray[np.float64], other: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the angles (d,) between unit vectors (d, 3) and another (3,)."""
    return np.asarray(np.degrees(np.arccos(np.clip(directions @ other, -1.0, 1.0))))
