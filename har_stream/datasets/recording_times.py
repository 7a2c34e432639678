"""What the times of a recording say: one uniform rate, stretches of one, or a time for each sample.

Uniform are times that lie on a grid but for how they were rounded: to milliseconds, say. A device that sent blocks of
uniform samples with gaps or small jumps between them leaves stretches; what else there is has a time of its own.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

Times = NDArray[np.float64]

EXACT: Final = 1e-5
"""How far a sample may stand from a grid whatever its times are rounded to, in sampling intervals."""
ROUNDED: Final = 1.0
"""How far rounding to a decimal place moves a time at most against a grid whose ends it moved too, in such places."""
MOST_ROUNDED: Final = 0.1
"""And no farther than that, in sampling intervals."""
DECIMALS: Final = range(7)
"""Places after the point that times may have been rounded to."""
BINARY_ROUNDING: Final = 4
"""What arithmetic in double precision may cost, in its smallest steps at a time's size."""
RATE_DECIMALS: Final = 3
SAME_END_S: Final = 1e-6
"""A rate is rounded where this moves no sample by more."""
SHORTEST_STRETCH: Final = 4
"""Samples that stretches must have on average: fewer follow by chance."""


def uniform_rate(times_s: Times) -> float | None:
    """Return the rate in Hz at which times (n >= 2,) are uniform, None where they are not."""
    steps = len(times_s) - 1
    interval_s = float(times_s[-1] - times_s[0]) / steps
    if interval_s <= 0:
        return None
    off_s = np.abs(times_s - (times_s[0] + np.arange(steps + 1) * interval_s))
    rounded_s = min(ROUNDED * _unit(times_s), MOST_ROUNDED * interval_s)
    return _plain(1 / interval_s, steps) if off_s.max() <= rounded_s + _exact(times_s, interval_s) else None


def median_rate(times_s: Times) -> float | None:
    """Return the rate in Hz of the median step forward in time, None where there is none."""
    steps_s = np.diff(times_s)
    forward_s = steps_s[steps_s > 0]
    return 1 / float(np.median(forward_s)) if len(forward_s) else None


def stretches(times_s: Times, rate_hz: float) -> tuple[float, list[slice]] | None:
    """Return the uniform stretches of times of about rate_hz, and their common rate; None where there are none."""
    steps_s = np.diff(times_s)
    follows = np.abs(steps_s - 1 / rate_hz) <= _exact(times_s, 1 / rate_hz)
    edges = np.flatnonzero(~follows) + 1
    if len(times_s) < SHORTEST_STRETCH * (len(edges) + 1):
        return None
    starts, stops = [0, *edges.tolist()], [*edges.tolist(), len(times_s)]
    rate_hz = _plain(1 / float(steps_s[follows].mean()), max(map(int.__sub__, stops, starts)))
    return rate_hz, list(map(slice, starts, stops))


def _exact(times_s: Times, interval_s: float) -> float:
    """Return how far apart two times are taken for one."""
    return EXACT * interval_s + BINARY_ROUNDING * float(np.spacing(np.abs(times_s).max()))


def _unit(times_s: Times) -> float:
    """Return the decimal place in s that all times are rounded to, 0 where there is none."""
    for places in DECIMALS:
        scaled = times_s * 10**places
        if (np.abs(scaled - np.rint(scaled)) <= BINARY_ROUNDING * np.spacing(np.abs(scaled))).all():
            return float(10**-places)
    return 0.0


def _plain(rate_hz: float, steps: int) -> float:
    """Return a rate without the last digits, where these are but arithmetic's."""
    rounded_hz = round(rate_hz, RATE_DECIMALS)
    same = rounded_hz > 0 and abs(steps / rounded_hz - steps / rate_hz) <= SAME_END_S
    return rounded_hz if same else rate_hz
