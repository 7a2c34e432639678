"""A virtual serial port with a sensor of ours behind it, for a har-stream to read."""

from __future__ import annotations

import os
import tty
from types import TracebackType
from typing import Self


class LinePort:
    """source is the URI to give to har-stream."""

    def __init__(self) -> None:
        # The line stays open here too, so that what is written before har-stream opens it is not an error.
        self._device, self._line = os.openpty()
        tty.setraw(self._line)
        self.source = f"serial:{os.ttyname(self._line)}?format=frames"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        os.close(self._device)
        os.close(self._line)

    def send(self, data: bytes) -> None:
        """Write bytes as a sensor does."""
        left = memoryview(data)
        while left:
            left = left[os.write(self._device, left) :]
        # A sensor is no process on this machine: where the kernel's own work is to take over what it sent, on this very
        # processor, it is not in the way.
        os.sched_yield()
