"""How whoever reads a source waits for what comes next."""

from __future__ import annotations

import math
from typing import NamedTuple


class Vigil(NamedTuple):
    """Until wake_s, by time.monotonic(), if nothing has come by then; inf for as long as it takes.

    Who is awake looks for samples over and over meanwhile: who sleeps until one comes wakes a tenth of a millisecond
    late, and finds less in the caches.
    """

    wake_s: float = math.inf
    awake: bool = False


ASLEEP = Vigil()
"""For whatever comes, for as long as it takes."""
