"""Taps on the filters: the nine channels of a few devices that somebody looks at; of all others nothing is kept."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from har_stream.denoising import DELAY_SAMPLES
from har_stream.samples import Rows, Samples, WindowBlock


@dataclass(frozen=True, slots=True)
class Tapped:
    """Consecutive samples of a device: start_s of the first in its own clock, channels (n, 9) in UCI HAR's order."""

    device: str
    start_s: float
    channels: Samples


class Taps:
    """Takes what is `wanted` from each batch that passes; `find` gives the row of a device that is present."""

    def __init__(self, find: Callable[[str], int | None], *, rate_hz: float) -> None:
        self._find, self._rate_hz = find, rate_hz
        self.wanted: frozenset[str] = frozenset()
        self._found: list[Tapped] = []

    def take(self, rows: Rows, start_s: NDArray[np.float64], begins: NDArray[np.bool_], channels: Samples) -> None:
        """Look into channels (d, n, 9) as the filters gave them for samples that began at start_s (d,)."""
        for device in self.wanted:
            for lane in np.flatnonzero(rows == self._find(device)).tolist():
                # The filters give each sample later; what comes first after a beginning is of the time before.
                skip = DELAY_SAMPLES if begins[lane] else 0
                at_s = float(start_s[lane]) + (skip - DELAY_SAMPLES) / self._rate_hz
                self._found.append(Tapped(device, at_s, channels[lane, skip:].copy()))

    def take_windows(self, block: WindowBlock) -> None:
        """Look into ready-made windows: of each what the one before did not hold."""
        if block.device not in self.wanted:
            return
        window = block.values.shape[1]
        for start_s, values, fresh in zip(block.start_s.tolist(), block.values, block.fresh.tolist(), strict=True):
            self._found.append(Tapped(block.device, start_s + (window - fresh) / self._rate_hz, values[-fresh:]))

    def news(self) -> list[Tapped]:
        """Return what was found since the last call."""
        told, self._found = self._found, []
        return told
