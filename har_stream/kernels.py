"""Functions of SciPy's compiled modules, each loaded by itself, without the rest of scipy.signal.

Importing scipy.signal takes half a second and 80 MB, which a daemon on a small machine should not pay for one function.
These are not SciPy's public interface: where a release of SciPy has one elsewhere, the caller falls back on the public
one, with the same numbers.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib.machinery import PathFinder
from importlib.util import find_spec, module_from_spec
from pathlib import Path
from typing import Any

Kernel = Callable[..., Any]


def kernel(module: str, name: str, try_out: Callable[[Kernel], None]) -> Kernel | None:
    """Return a function of a compiled module of scipy.signal, None where there is none of its kind.

    `try_out` is called with it, and raises where it does not do what it is wanted for.
    """
    scipy = find_spec("scipy")
    folders = scipy.submodule_search_locations if scipy else None
    spec = PathFinder.find_spec(module, [str(Path(folder) / "signal") for folder in folders or ()])
    if spec is None or spec.loader is None:
        return None
    try:
        loaded = module_from_spec(spec)
        spec.loader.exec_module(loaded)
        function: Kernel = getattr(loaded, name)
        try_out(function)
    except Exception:  # noqa: BLE001 - whatever does not work in another release of SciPy, the public one does
        return None
    return function
