"""What the tests of faults share: a word on what was measured, for the table in docs/RELIABILITY.md."""

from __future__ import annotations

from collections.abc import Callable

import pytest

Measured = Callable[[str], None]


@pytest.fixture
def measured(record_property: Callable[[str, object], None]) -> Measured:
    """Note a figure that a test measured."""
    return lambda figure: record_property("measured", figure)
