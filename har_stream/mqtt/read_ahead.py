"""A socket that is read in large pieces, whatever small ones are asked for."""

from __future__ import annotations

import socket
from typing import Any, Final

PIECE_BYTES: Final = 65_536


class ReadAhead:
    """Gives from memory what the system had ready: paho-mqtt asks three or four times for the bytes of one packet.

    pending() tells how many bytes were read and not yet given, by TLS too; for them nobody need wait.
    """

    def __init__(self, link: socket.socket) -> None:
        self._link = link
        self._held, self._at = b"", 0
        self._pending = getattr(link, "pending", int)
        self.send = link.send

    def recv(self, size: int) -> bytes:
        """Return up to so many bytes, b"" at the end. Raises what the socket does, where nothing is held."""
        if self._at == len(self._held):
            self._held, self._at = self._link.recv(PIECE_BYTES), 0
        part = self._held[self._at : self._at + size]
        self._at += len(part)
        return part

    def pending(self) -> int:
        """Return how many bytes were read and not yet given."""
        return len(self._held) - self._at + int(self._pending())

    def __getattr__(self, name: str) -> Any:
        """Be the socket in all else."""
        return getattr(self._link, name)
