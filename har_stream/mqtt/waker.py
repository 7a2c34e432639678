"""Wakes a thread that waits for the network, from any other thread."""

from __future__ import annotations

import contextlib
import socket
from typing import Final

DRAIN: Final = 4096


class Waker:
    """A descriptor that is readable from wake() on until clear(). Its owner gives it back with close()."""

    def __init__(self) -> None:
        self._near, self._far = socket.socketpair()
        for end in (self._near, self._far):
            end.settimeout(0.0)

    def fileno(self) -> int:
        """Return the descriptor to wait for."""
        return self._near.fileno()

    def wake(self) -> None:
        """Make it readable; once it is closed nobody waits for it."""
        with contextlib.suppress(OSError):  # full, and so readable already; or closed
            self._far.send(b"\0")

    def clear(self) -> None:
        """Make it unreadable until the next wake()."""
        with contextlib.suppress(BlockingIOError):
            while len(self._near.recv(DRAIN)) == DRAIN:
                pass

    def close(self) -> None:
        """Give the descriptors back."""
        self._near.close()
        self._far.close()
