"""How long faults last: as long as is stated with HAR_STREAM_FAULTS=full, else as short as shows the same."""

from __future__ import annotations

import os
from typing import Final, TypeVar

FULL: Final = os.environ.get("HAR_STREAM_FAULTS") == "full"

T = TypeVar("T", int, float)


def lasting(short: T, full: T) -> T:
    """Return how much of a fault there is in this run."""
    return full if FULL else short
