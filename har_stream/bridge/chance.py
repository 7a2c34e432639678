"""Chance that depends on what it is asked for alone, not on when.

The same seed, purpose, device and number give the same answer in whichever order, in however large arrays.
The mixing is that of SplitMix64 (G. Steele, D. Lea, C. Flood, Fast Splittable Pseudorandom Number Generators, 2014).
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

GOLDEN: Final = np.uint64(0x9E3779B97F4A7C15)
FACTORS: Final = (np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB))
SHIFTS: Final = (np.uint64(30), np.uint64(27), np.uint64(31))
UNUSED_BITS: Final = np.uint64(11)
"""Of 64, where a float has 53."""

JITTER, LOSS, CORRUPT, BYTE, BIT, SESSION = range(6)
"""Purposes."""


def uniform(seed: int, purpose: int, device: ArrayLike, number: ArrayLike) -> NDArray[np.float64]:
    """Return numbers from 0 to below 1 in the common shape of device and number."""
    state = np.array(seed * 8 + purpose, np.uint64)
    for word in (device, number):
        state = _mixed(state ^ _mixed(np.asarray(word).astype(np.uint64)))
    return np.asarray((state >> UNUSED_BITS) / 2.0**53)


def _mixed(state: NDArray[np.uint64]) -> NDArray[np.uint64]:
    with np.errstate(over="ignore"):
        state = state + GOLDEN
        state = (state ^ (state >> SHIFTS[0])) * FACTORS[0]
        state = (state ^ (state >> SHIFTS[1])) * FACTORS[1]
    return np.asarray(state ^ (state >> SHIFTS[2]))
