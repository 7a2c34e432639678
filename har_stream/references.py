"""Upright references of devices that are present, and of those that gave way to others and may come again."""

from __future__ import annotations

import msgspec
import numpy as np
from numpy.typing import NDArray

from har_stream.devices import DeviceTable
from har_stream.state import DeviceMemory, DeviceState, States
from har_stream.upright import Upright


class References:
    """What is learned and remembered of how devices sit on the body; nothing where the model does without."""

    def __init__(self, upright: Upright | None, devices: DeviceTable, *, limit: int) -> None:
        self._upright, self._devices = upright, devices
        self._memory = DeviceMemory(limit=limit)

    def of(self, device: str) -> NDArray[np.float64] | None:
        """Return where gravity (3,) points while a device's body walks, None where that was not learned."""
        row = self._devices.find(device)
        if row is None or self._upright is None:
            return None
        (known,) = self._upright.snapshot(np.array([row]))
        return np.array(known.gravity) if known is not None else None

    def snapshot(self) -> States:
        """Return what is to be kept of every device, present ones and those that gave way, the longest idle first."""
        self.remember(self._devices.rows())
        return self._memory.states()

    def restore(self, states: States) -> None:
        """Take what was kept of devices, whether they are present or yet to come."""
        for device, state in states.items():
            self._memory.keep(device, state)
            row = self._devices.find(device)
            if row is not None:
                self._recall(row, state)

    def begin(self, row: int, device: str) -> None:
        """Begin a row for a device with what is remembered of it."""
        if self._upright is not None:
            self._upright.reset(np.array([row]))
        state = self._memory.get(device)
        if state is not None:
            self._recall(row, state)

    def remember(self, rows: list[int]) -> None:
        """Keep what was learned of the devices in some rows."""
        if self._upright is None:
            return
        for row, upright in zip(rows, self._upright.snapshot(np.array(rows, np.intp)), strict=True):
            if upright is not None:
                device = self._devices.name(row)
                before = self._memory.get(device) or DeviceState()
                self._memory.keep(device, msgspec.structs.replace(before, upright=upright))

    def _recall(self, row: int, state: DeviceState) -> None:
        if self._upright is not None and state.upright is not None:
            self._upright.restore(row, state.upright)
