"""SciPy's kernel for second-order sections, without the rest of scipy.signal.

Importing scipy.signal takes a second and 80 MB, which a daemon on a small machine should not pay for one function: so
the compiled module that holds it is loaded by itself. It is not SciPy's public interface; where a release of SciPy has
it elsewhere, the public sosfilt serves instead, with the same numbers.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib.machinery import PathFinder
from importlib.util import find_spec, module_from_spec
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

Filter = Callable[[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]], None]
"""Takes sections (k, 6), signals (s, n) and states (s, k, 2); filters signals and states where they lie."""

MODULE: Final = "_sosfilt"


def _compiled() -> Filter | None:
    """Return the function of the compiled module, None where there is none of its kind."""
    scipy = find_spec("scipy")
    folders = scipy.submodule_search_locations if scipy else None
    spec = PathFinder.find_spec(MODULE, [str(Path(folder) / "signal") for folder in folders or ()])
    if spec is None or spec.loader is None:
        return None
    try:
        module = module_from_spec(spec)
        spec.loader.exec_module(module)
        function: Filter = module._sosfilt  # noqa: SLF001 - as the docstring above says
        _try_out(function)
    except Exception:  # noqa: BLE001 - whatever does not work in another release of SciPy, the public one does
        return None
    return function


def _try_out(function: Filter) -> None:
    """Raise what a function of another kind raises; a sum of what comes in is known beforehand."""
    signals, states = np.ones((1, 3)), np.zeros((1, 1, 2))
    function(np.array([[1.0, 0.0, 0.0, 1.0, -1.0, 0.0]]), signals, states)
    if signals.tolist() != [[1.0, 2.0, 3.0]] or states.tolist() != [[[3.0, 0.0]]]:
        raise ValueError(MODULE)


def public(sections: NDArray[np.float64], signals: NDArray[np.float64], states: NDArray[np.float64]) -> None:
    """Filter signals and states where they lie, by what SciPy documents."""
    from scipy.signal import sosfilt  # noqa: PLC0415 - a second that hardly anybody pays

    signals[:], after = sosfilt(sections, signals, axis=1, zi=states.transpose(1, 0, 2))
    states[:] = after.transpose(1, 0, 2)


filter_sections: Final = _compiled() or public
