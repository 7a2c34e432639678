"""A function of SciPy's compiled modules, where it is there and does what it is wanted for."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from har_stream.kernels import Kernel, kernel


def content(_: Kernel) -> None:
    """Find nothing wrong."""


def discontent(_: Kernel) -> None:
    """Find it to be of another kind."""
    raise TypeError


@pytest.mark.parametrize(
    ("module", "name", "try_out", "found"),
    [
        ("_sosfilt", "_sosfilt", content, True),
        ("_sosfilt", "_sosfilt", discontent, False),
        ("_sosfilt", "sosfilt_of_another_release", content, False),
        ("_module_of_another_release", "_sosfilt", content, False),
    ],
)
def test_what_is_not_of_its_kind_is_none(
    module: str, name: str, try_out: Callable[[Kernel], None], *, found: bool
) -> None:
    assert (kernel(module, name, try_out) is not None) == found
