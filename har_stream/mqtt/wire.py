"""A socket that is read and written in large pieces, whatever small ones are asked for and given.

paho-mqtt asks three or four times for the bytes of one packet, and sends each packet by itself; and each time another
thread may be let in first, which on a busy machine takes milliseconds.
"""

from __future__ import annotations

import contextlib
import socket
import ssl
from typing import Any, Final

PIECE_BYTES: Final = 65_536
LATER: Final = (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError)
"""What a socket raises that takes nothing now."""


class Wire:
    """Is the socket in all else. While `gathers` is set what is sent waits for flush(), which keeps the order."""

    def __init__(self, link: socket.socket) -> None:
        self._link = link
        self._held, self._at = b"", 0
        self._unsent = bytearray()
        self._pending = getattr(link, "pending", int)
        self.gathers = False

    def recv(self, size: int) -> bytes:
        """Return up to so many bytes, b"" at the end. Raises what the socket does, where nothing is held."""
        if self._at == len(self._held):
            self._held, self._at = self._link.recv(PIECE_BYTES), 0
        part = self._held[self._at : self._at + size]
        self._at += len(part)
        return part

    def fill(self) -> bool:
        """Read a piece where nothing is held; tells whether something is. What a broken socket raises recv() tells."""
        if self._at == len(self._held):
            with contextlib.suppress(OSError):
                self._held, self._at = self._link.recv(PIECE_BYTES), 0
        return self._at < len(self._held)

    @property
    def front(self) -> tuple[bytes, int]:
        """What is held, and where in it what was not yet given begins."""
        return self._held, self._at

    def skip_to(self, at: int) -> None:
        """Take what is held as given, up to a place in it."""
        self._at = at

    def pending(self) -> int:
        """Return how many bytes were read and not yet given, by TLS too: for them nobody need wait."""
        return len(self._held) - self._at + int(self._pending())

    def send(self, data: bytes | bytearray) -> int:
        """Send, or gather; returns how many bytes were taken. Raises what the socket does."""
        if self.gathers:
            self._unsent += data
            return len(data)
        self.flush()
        if self._unsent:
            raise BlockingIOError
        return self._link.send(data)

    def flush(self) -> None:
        """Send what was gathered, as far as the network takes it. Raises OSError where that is broken."""
        while self._unsent:
            try:
                sent = self._link.send(self._unsent)
            except LATER:
                return
            del self._unsent[:sent]

    @property
    def unsent(self) -> bool:
        """Tell whether something gathered waits for flush()."""
        return bool(self._unsent)

    def __getattr__(self, name: str) -> Any:
        """Be the socket in all else."""
        return getattr(self._link, name)
