"""A wall clock that can be set under a running process, by libfaketime; time that only goes on stays as it is."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import pytest

LIBRARY: Final = "libfaketimeMT.so.1"
PLACES: Final = ("/usr/lib", "/usr/lib64", "/usr/local/lib")


class FakeClock:
    """The wall clock of processes with its `variables`. Skips the test where libfaketime is missing."""

    def __init__(self, folder: Path) -> None:
        found = [path for place in PLACES for path in Path(place).glob(f"**/faketime/{LIBRARY}")]
        if not found:
            pytest.skip(f"no {LIBRARY}: install libfaketime")
        self._offset = folder / "clock"
        self.jump("+0")
        self.variables = {
            "LD_PRELOAD": str(found[0]),
            "FAKETIME_TIMESTAMP_FILE": str(self._offset),
            "FAKETIME_CACHE_DURATION": "1",  # else it reads the file for each look at a clock
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        }

    def jump(self, offset: str) -> None:
        """Set the clock to so much from the real one: +1h, -1h, +10y. It is seen within a second."""
        beside = self._offset.with_suffix(".new")
        beside.write_text(f"{offset}\n")
        beside.rename(self._offset)  # never half written
