"""Which devices are there and how they do: what a watcher wants to know of all of them, between two ticks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from har_stream.devices import DeviceTable
from har_stream.plausibility import Plausibility, Suspicion

MOST_REFUSED: Final = 1000
"""Devices without a place that are told apart: whoever sends could make up as many as they like."""


@dataclass(frozen=True, slots=True)
class Present:
    """Devices by their state, each in one: silent ones are stale, whatever was held against them.

    refused counts those that found no place lately, up to MOST_REFUSED.
    """

    streaming: int = 0
    suspicious: int = 0
    stale: int = 0
    refused: int = 0

    @property
    def devices(self) -> int:
        """Devices that have a place."""
        return self.streaming + self.suspicious + self.stale


class Presence:
    """Looks at the devices that have a place, and notes those that found none."""

    def __init__(self, devices: DeviceTable, plausibility: Plausibility) -> None:
        self._devices, self._plausibility = devices, plausibility
        self._refused = DeviceTable(max_devices=MOST_REFUSED, idle_s=0.0)

    def refuse(self, device: str, now_s: float) -> None:
        """Note a device that found no place; where many do the longest silent of them is forgotten."""
        if self._refused.row(device, now_s) is None and self._refused.add(device, now_s) is None:
            oldest = self._refused.idlest(now_s)
            if oldest is not None:
                self._refused.remove(oldest)
                self._refused.add(device, now_s)

    def welcome(self, device: str) -> None:
        """Note that a device has a place now."""
        row = self._refused.find(device)
        if row is not None:
            self._refused.remove(row)

    def count(self, since_s: float) -> Present:
        """Count devices by state; those without a sample after since_s are stale."""
        stale = self._devices.silent(since_s)
        suspicious = len(set(self._plausibility.suspected()).difference(stale))
        return Present(
            streaming=len(self._devices) - len(stale) - suspicious,
            suspicious=suspicious,
            stale=len(stale),
            refused=len(self._refused) - len(self._refused.silent(since_s)),
        )

    def suspicions(self) -> dict[str, Suspicion]:
        """Return what seems wrong with devices; those that nothing is held against are left out."""
        return {self._devices.name(row): suspicion for row, suspicion in self._plausibility.suspected().items()}

    def seen_s(self, device: str) -> float | None:
        """Return when a device last gave a sign of life, None for one without a place."""
        row = self._devices.find(device)
        return None if row is None else self._devices.seen_s(row)
