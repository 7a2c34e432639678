"""Books of single devices, of a few of them at most: each costs whoever reads them several series."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from har_stream.samples import Prediction


@dataclass(frozen=True, slots=True)
class DeviceReading:
    """A device: its windows, the label in force, and when it last gave a sign of life, by time.monotonic()."""

    device: str
    windows: int
    label: str
    seen_s: float


@dataclass(slots=True)
class _Device:
    windows: int = 0
    label: str = ""


class DeviceBooks:
    """The first `limit` devices that get labels; whoever loses its place in the stream makes room for another."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._devices: dict[str, _Device] = {}

    def note(self, predictions: list[Prediction]) -> None:
        """Count windows."""
        if not self._limit:
            return
        for prediction in predictions:
            held = self._devices.get(prediction.device)
            if held is None:
                if len(self._devices) >= self._limit:
                    continue
                held = self._devices[prediction.device] = _Device()
            held.windows += 1
            held.label = prediction.label

    def read(self, seen_s: Callable[[str], float | None]) -> tuple[DeviceReading, ...]:
        """Return the devices that have a place, by what tells when each was last seen, and forget the others."""
        found = []
        for device, held in list(self._devices.items()):
            last_s = seen_s(device)
            if last_s is None:
                del self._devices[device]
            else:
                found.append(DeviceReading(device, held.windows, held.label, last_s))
        return tuple(found)
