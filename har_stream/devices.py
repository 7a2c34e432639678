"""Which device has which row in the arrays of every stage; bounded, the longest idle evicted first."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import repeat
from typing import Final

import numpy as np

from har_stream.samples import Rows

LAWFUL_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")

WRIST: Final = "wrist"
"""What is worn at the wrist of one who wears another device has that one's id, a hyphen and this."""

LONGEST_ID: Final = 65
"""One more than a lawful id has: a longer one stays unlawful, and the pipeline refuses it, but takes no more memory."""


UNKNOWN_ROW: Final = -1
"""In place of the row of a device that has none."""

NEVER: Final = np.iinfo(np.int64).max


class DeviceTable:
    """Rows for at most `max_devices` devices; one idle for `idle_s` gives way to a new one."""

    def __init__(self, *, max_devices: int, idle_s: float) -> None:
        self._idle_s = idle_s
        self._free = list(range(max_devices - 1, -1, -1))
        self._row: dict[str, int] = {}
        self._names: list[str] = [""] * max_devices
        self._seen_s = np.zeros(max_devices)
        self._signs = 0
        # The number of each device's last sign of life, which tells their order also within a tick.
        self._last_sign = np.full(max_devices, NEVER)

    def __len__(self) -> int:
        return len(self._row)

    def row(self, device: str, now_s: float) -> int | None:
        """Return the row of a device that is known, and note that it is alive; None for a new one."""
        row = self._row.get(device)
        if row is not None:
            self._note(row, now_s)
        return row

    def rows_of(self, devices: Sequence[str], now_s: float) -> Rows:
        """Return the rows (d,) of devices, no two the same, as row() does of one; UNKNOWN_ROW for a new one."""
        rows = np.fromiter(map(self._row.get, devices, repeat(UNKNOWN_ROW)), np.intp, len(devices))
        known = rows if rows.min(initial=0) >= 0 else rows[rows >= 0]
        self._seen_s[known] = now_s
        self._last_sign[known] = np.arange(self._signs, self._signs + len(known))
        self._signs += len(known)
        return rows

    def find(self, device: str) -> int | None:
        """Return the row of a device that is present, without taking it for a sign of life."""
        return self._row.get(device)

    def add(self, device: str, now_s: float) -> int | None:
        """Give a new device a free row, None where there is none."""
        if not self._free:
            return None
        row = self._free.pop()
        self._row[device], self._names[row] = row, device
        self._note(row, now_s)
        return row

    def _note(self, row: int, now_s: float) -> None:
        self._seen_s[row], self._last_sign[row] = now_s, self._signs
        self._signs += 1

    def idlest(self, now_s: float) -> int | None:
        """Return the row of the device that was silent for longest, if for at least idle_s."""
        if not self._row:
            return None
        row = int(self._last_sign.argmin())
        return row if now_s - self._seen_s[row] >= self._idle_s else None

    def silent(self, since_s: float) -> list[int]:
        """Return the rows of devices that gave no sign of life after since_s, the longest silent first."""
        rows = np.array(self.rows(), np.intp)
        silent: list[int] = rows[self._seen_s[rows] < since_s].tolist()
        return silent

    def seen_s(self, row: int) -> float:
        """Return when the device of a row last gave a sign of life."""
        return float(self._seen_s[row])

    def remove(self, row: int) -> None:
        """Forget the device of a row."""
        del self._row[self._names[row]]
        self._last_sign[row] = NEVER
        self._free.append(row)

    def name(self, row: int) -> str:
        """Return the id of the device that has a row."""
        return self._names[row]

    def rows(self) -> list[int]:
        """Return the rows in use, the longest silent first."""
        rows: list[int] = self._last_sign.argsort()[: len(self._row)].tolist()
        return rows
