"""Which device has which row in the arrays of every stage; bounded, the longest idle evicted first."""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Sequence
from itertools import takewhile
from typing import Final

import numpy as np

LAWFUL_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")

WRIST: Final = "wrist"
"""What is worn at the wrist of one who wears another device has that one's id, a hyphen and this."""

LONGEST_ID: Final = 65
"""One more than a lawful id has: a longer one stays unlawful, and the pipeline refuses it, but takes no more memory."""


class DeviceTable:
    """Rows for at most `max_devices` devices; one idle for `idle_s` gives way to a new one."""

    def __init__(self, *, max_devices: int, idle_s: float) -> None:
        self._idle_s = idle_s
        self._free = list(range(max_devices - 1, -1, -1))
        self._row: OrderedDict[str, int] = OrderedDict()
        self._names: list[str] = [""] * max_devices
        self._seen_s = np.zeros(max_devices)

    def __len__(self) -> int:
        return len(self._row)

    def row(self, device: str, now_s: float) -> int | None:
        """Return the row of a device that is known, and note that it is alive; None for a new one."""
        row = self._row.get(device)
        if row is not None:
            self._seen_s[row] = now_s
            self._row.move_to_end(device)
        return row

    def rows_of(self, devices: Sequence[str], now_s: float) -> list[int | None]:
        """Return the rows of devices as row() does of one."""
        rows = [self._row.get(device) for device in devices]
        known = [row for row in rows if row is not None]
        self._seen_s[known] = now_s
        for device in devices if len(known) == len(rows) else [self._names[row] for row in known]:
            self._row.move_to_end(device)
        return rows

    def find(self, device: str) -> int | None:
        """Return the row of a device that is present, without taking it for a sign of life."""
        return self._row.get(device)

    def add(self, device: str, now_s: float) -> int | None:
        """Give a new device a free row, None where there is none."""
        if not self._free:
            return None
        row = self._free.pop()
        self._row[device], self._names[row], self._seen_s[row] = row, device, now_s
        return row

    def idlest(self, now_s: float) -> int | None:
        """Return the row of the device that was silent for longest, if for at least idle_s."""
        row = next(iter(self._row.values()), None)
        return row if row is not None and now_s - self._seen_s[row] >= self._idle_s else None

    def silent(self, since_s: float) -> list[int]:
        """Return the rows of devices that gave no sign of life after since_s."""
        return list(takewhile(lambda row: self._seen_s[row] < since_s, self._row.values()))

    def seen_s(self, row: int) -> float:
        """Return when the device of a row last gave a sign of life."""
        return float(self._seen_s[row])

    def remove(self, row: int) -> None:
        """Forget the device of a row."""
        del self._row[self._names[row]]
        self._free.append(row)

    def name(self, row: int) -> str:
        """Return the id of the device that has a row."""
        return self._names[row]

    def rows(self) -> list[int]:
        """Return the rows in use."""
        return list(self._row.values())
