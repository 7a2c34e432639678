"""A TCP proxy before a broker that troubles what goes through: slow, in slices, stalled, reset in mid-packet."""

from __future__ import annotations

import contextlib
import socket
import struct
import time
from dataclasses import dataclass
from threading import Event, Lock, Thread
from typing import Final, Self

PIECE_BYTES: Final = 65_536
RESET: Final = struct.pack("ii", 1, 0)
"""SO_LINGER for no time at all: to close is to reset."""


@dataclass(frozen=True, slots=True)
class Pace:
    """How bytes go through: so many at once, each time after a pause."""

    piece_bytes: int = PIECE_BYTES
    pause_s: float = 0.0


class Proxy:
    """Passes connections on to a port of this machine.

    first_bytes holds what each client's connection began with, by which TLS and plain text can be told apart.
    """

    def __init__(self, target: int, pace: Pace = Pace()) -> None:
        self._target, self.pace = target, pace
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._server.getsockname()[1]
        self.first_bytes: list[bytes] = []
        self.connections = self.resets = 0
        self._pairs: list[tuple[socket.socket, socket.socket]] = []
        self._flowing = Event()
        self._flowing.set()
        self._room: int | None = None
        self._lock = Lock()
        Thread(target=self._accept, daemon=True).start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()
        self._flowing.set()
        for pair in self._pairs:
            _close(*pair)

    def stall(self) -> None:
        """Pass nothing on any more, and leave all connections as they are: half open, as when a cable is drawn."""
        self._flowing.clear()

    def flow(self) -> None:
        """Pass on again."""
        self._flowing.set()

    def reset_after(self, sent_bytes: int) -> None:
        """Reset the connection to the client that will have sent so many more bytes; these still reach the broker."""
        with self._lock:
            self._room = sent_bytes

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._server.accept()
            except OSError:
                return
            self.connections += 1
            try:
                broker = socket.create_connection(("127.0.0.1", self._target))
            except OSError:
                _reset(client)
                continue
            pair = (client, broker)
            for one in pair:
                one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._pairs.append(pair)
            Thread(target=self._pass, args=(*pair, True), daemon=True).start()
            Thread(target=self._pass, args=(broker, client, False), daemon=True).start()

    def _pass(self, origin: socket.socket, target: socket.socket, from_client: bool) -> None:  # noqa: FBT001
        fresh = from_client
        with contextlib.suppress(OSError):
            while data := self._received(origin):
                if fresh:
                    self.first_bytes.append(data[:16])
                    fresh = False
                room = self._take_room(len(data)) if from_client else None
                self._send(target, data[:room])
                if room is not None:
                    self.resets += 1
                    _reset(origin)
                    break  # and the broker hears that it was all: what came whole it still takes
        _close(origin, target)

    def _received(self, origin: socket.socket) -> bytes:
        data = origin.recv(self.pace.piece_bytes)
        self._flowing.wait()
        return data

    def _send(self, target: socket.socket, data: bytes) -> None:
        for at in range(0, len(data), self.pace.piece_bytes):
            if self.pace.pause_s:
                time.sleep(self.pace.pause_s)
            target.sendall(data[at : at + self.pace.piece_bytes])

    def _take_room(self, count: int) -> int | None:
        """Count what clients send; return how much of it still goes through if this is where it ends."""
        with self._lock:
            if self._room is None:
                return None
            if self._room > count:
                self._room -= count
                return None
            room, self._room = self._room, None
            return room


def _reset(one: socket.socket) -> None:
    with contextlib.suppress(OSError):
        one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        one.close()


def _close(*both: socket.socket) -> None:
    for one in both:
        with contextlib.suppress(OSError):
            one.shutdown(socket.SHUT_RDWR)
        one.close()
