"""Noise that remembers what it was: each value a weighted sum of those before it, and something new.

The recursion is SciPy's lfilter, without the rest of scipy.signal: see kernels.py.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import Final

import numpy as np
from numpy.typing import NDArray

from har_stream.kernels import Kernel, kernel
from har_stream.sources.people import Row

Array = NDArray[np.float64]
Recursion = Callable[[Array, Array, Array], tuple[Array, Array]]
"""Takes the denominator (k + 1,), a signal (n,) and the state (k,) before it, gives signal and state after it."""

RUN_IN: Final = 128
"""Samples after which noise has forgotten that it began at rest."""
NUMERATOR: Final = np.ones(1)


def _try_out(function: Kernel) -> None:
    """Raise where a function is of another kind; a sum of what comes in is known beforehand."""
    signal, state = function(NUMERATOR, np.array([1.0, -1.0]), np.ones(3), -1, np.array([1.0]))
    if signal.tolist() != [2.0, 3.0, 4.0] or state.tolist() != [4.0]:
        raise ValueError


def public(denominator: Array, signal: Array, state: Array) -> tuple[Array, Array]:
    """Filter by what SciPy documents."""
    from scipy.signal import lfilter  # noqa: PLC0415 - half a second that hardly anybody pays

    after: tuple[Array, Array] = lfilter(NUMERATOR, denominator, signal, zi=state)
    return after


def _recursion() -> Recursion:
    compiled = kernel("_sigtools", "_linear_filter", _try_out)
    if compiled is None:
        return public
    return lambda denominator, signal, state: compiled(NUMERATOR, denominator, signal, -1, state)


recursion: Final = _recursion()


class Autoregression:
    """`rows` channels at a time, without a break from take to take; memory weighs the values before, newest first."""

    def __init__(self, memory: Iterable[Row], innovation: Iterable[float], generator: np.random.Generator) -> None:
        self._denominators = [np.array([1.0, *(-weight for weight in row)]) for row in memory]
        self._innovation = np.array(tuple(innovation))
        self._generator = generator
        self._state = [np.zeros(len(row) - 1) for row in self._denominators]
        self.take(RUN_IN)

    @classmethod
    def wander(cls, time_s: float, rows: int, generator: np.random.Generator, *, rate_hz: float) -> Autoregression:
        """Return smooth random curves of variance 1 that change within about `time_s`."""
        keep = math.exp(-1 / (time_s * rate_hz))
        innovation = math.sqrt((1 - keep**2) ** 3 / (1 + keep**2))
        return cls([(2 * keep, -(keep**2))] * rows, [innovation] * rows, generator)

    def take(self, samples: int) -> Array:
        """Return the next samples (n, rows)."""
        fresh = self._generator.standard_normal((samples, len(self._state))) * self._innovation
        for row, denominator in enumerate(self._denominators):
            fresh[:, row], self._state[row] = recursion(denominator, fresh[:, row], self._state[row])
        return np.asarray(fresh)
