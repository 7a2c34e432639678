"""har-bridge simulate on a pseudo-terminal: one device, sample by sample."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Final

import numpy as np

from har_stream.bridge.chance import JITTER, uniform
from har_stream.bridge.faults import Faults
from har_stream.bridge.motion import Motions
from har_stream.bridge.pace import Pace
from har_stream.bridge.payloads import UNTOUCHED, Device, Part, line_parts, preamble
from har_stream.bridge.report import tell
from har_stream.bridge.stop import Stop
from har_stream.bridge.terminal_port import TerminalPort

AHEAD_S: Final = 0.5
"""How much is computed at a time."""

PROGRAM: Final = "har-bridge"


class LineSimulation:
    """A virtual device on a line, its way there, and its books."""

    def __init__(
        self,
        motions: Motions,
        device: Device,
        *,
        format_name: str,
        jitter: float,
        faults: Faults,
        duration_s: float | None,
    ) -> None:
        self._motions, self._device, self._format = motions, device, format_name
        self._jitter, self._faults = jitter, faults
        lasts_s = min(float(motions.lasts_s[0]), np.inf if duration_s is None else duration_s)
        self._samples = None if np.isinf(lasts_s) else round(lasts_s * device.rate_hz)
        self._unheard = 0

    def run(self, port: TerminalPort, speed: float | None, every_s: float, stop: Stop) -> None:
        """Send until the motion or time is over, or the end is asked for."""
        pace = Pace(speed, stop)
        told_s = time.monotonic()
        for number, due_s, part in self._timeline():
            if not pace.wait_until(due_s):
                break
            self._send(port, number, part, stop)
            if time.monotonic() - told_s >= every_s:
                told_s = time.monotonic()
                self._tell(pace, "simulating")
        self._tell(pace, "ended")

    def _timeline(self) -> Iterator[tuple[int, float, Part]]:
        """Yield each sample's number, when it is due in s, and its bytes."""
        device, step = self._device, max(1, round(AHEAD_S * self._device.rate_hz))
        row, first = np.array([device.row]), 0
        while self._samples is None or first < self._samples:
            count = step if self._samples is None else min(step, self._samples - first)
            numbers = first + np.arange(count)
            at_s = times_s(device.seed, row, numbers[np.newaxis], device.rate_hz, self._jitter)
            values = self._motions.at(row, at_s)[0]
            parts = line_parts(self._format, device, first, at_s[0], values)
            yield from zip(numbers.tolist(), at_s[0].tolist(), parts, strict=True)
            first += count

    def _send(self, port: TerminalPort, number: int, part: Part, stop: Stop) -> None:
        arriving = self._faults.pass_on(part, self._device.row, number, untouched=UNTOUCHED.get(self._format, 0))
        data = preamble(self._format, self._device, number)
        if arriving is not None:
            data += arriving.payloads[0]
        if data and not port.send(data, stop) and arriving is not None:
            self._unheard += 1

    def _tell(self, pace: Pace, what: str) -> None:
        faults, worst_s = self._faults, pace.worst_lag_s()
        rate_hz = (faults.sent + faults.lost) / max(pace.elapsed_s, 1e-9)
        facts = {
            "simulate": what,
            "device": self._device.name,
            "format": self._format,
            "sent": faults.sent,
            "lost": faults.lost,
            "corrupted": faults.corrupted,
            "unheard": self._unheard,
            "hz": round(rate_hz, 2),
            "lag_s": round(worst_s, 4),
        }
        line = (
            f"{what}: {faults.sent} samples sent, {faults.lost} lost, {faults.corrupted} corrupted, "
            f"{self._unheard} with nobody there to hear them; {rate_hz:.1f} Hz, late by {worst_s * 1000:.0f} ms"
        )
        tell(PROGRAM, facts, line)


def times_s(
    seed: int,
    rows: np.ndarray[tuple[int], np.dtype[np.intp]],
    numbers: np.ndarray[tuple[int, int], np.dtype[np.int64]],
    rate_hz: float,
    jitter: float,
) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    """Return when samples (d, n) of devices (d,) are taken: on the grid, or by `jitter` intervals beside it at most."""
    if not jitter:
        return np.asarray(numbers / rate_hz)
    beside = jitter * (2 * uniform(seed, JITTER, rows[:, np.newaxis], numbers) - 1)
    return np.asarray(np.maximum(numbers + beside, 0.0) / rate_hz)
