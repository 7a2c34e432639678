"""How many samples a second each device sends, as they arrive. No clock: time comes in with the data."""

from __future__ import annotations

from typing import Final

MEASURED_OVER_S: Final = 5.0
"""Long enough for what comes in bursts, as from a phone."""
SILENT_S: Final = 30.0
"""After so long a silence a rate is measured anew."""


class SampleRates:
    """Rates of the `limit` devices that sent last."""

    def __init__(self, *, limit: int) -> None:
        self._limit = limit
        self._begun: dict[str, tuple[float, float, int]] = {}
        self._rate_hz: dict[str, float] = {}

    def note(self, device: str, samples: int, now_s: float) -> None:
        """Take samples that arrived at now_s; those of the first arrival came before the measurement began."""
        start_s, last_s, count = self._begun.pop(device, (now_s, now_s, -samples))
        if now_s - last_s > SILENT_S:
            start_s, count = now_s, -samples
            self._rate_hz.pop(device, None)
        count += samples
        if now_s - start_s >= MEASURED_OVER_S:
            self._rate_hz[device] = count / (now_s - start_s)
            start_s, count = now_s, 0
        self._begun[device] = start_s, now_s, count
        while len(self._begun) > self._limit:
            oldest = next(iter(self._begun))
            del self._begun[oldest]
            self._rate_hz.pop(oldest, None)

    def rate_hz(self, device: str) -> float | None:
        """Return the rate measured last, None where there is none yet."""
        return self._rate_hz.get(device)
