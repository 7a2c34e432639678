"""SciPy's filter by second-order sections, without the rest of scipy.signal: see kernels.py."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np
from numpy.typing import NDArray

from har_stream.kernels import Kernel, kernel

Filter = Callable[[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]], None]
"""Takes sections (k, 6), signals (s, n) and states (s, k, 2); filters signals and states where they lie."""


def _try_out(function: Kernel) -> None:
    """Raise where a function is of another kind; a sum of what comes in is known beforehand."""
    signals, states = np.ones((1, 3)), np.zeros((1, 1, 2))
    function(np.array([[1.0, 0.0, 0.0, 1.0, -1.0, 0.0]]), signals, states)
    if signals.tolist() != [[1.0, 2.0, 3.0]] or states.tolist() != [[[3.0, 0.0]]]:
        raise ValueError


def public(sections: NDArray[np.float64], signals: NDArray[np.float64], states: NDArray[np.float64]) -> None:
    """Filter signals and states where they lie, by what SciPy documents."""
    from scipy.signal import sosfilt  # noqa: PLC0415 - half a second that hardly anybody pays

    signals[:], after = sosfilt(sections, signals, axis=1, zi=states.transpose(1, 0, 2))
    states[:] = after.transpose(1, 0, 2)


filter_sections: Final[Filter] = kernel("_sosfilt", "_sosfilt", _try_out) or public
