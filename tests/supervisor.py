"""A supervisor as systemd is one: a socket that services tell how they stand."""

from __future__ import annotations

import contextlib
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager

from tests.broker import wait_for


class Supervisor:
    """Hears what a service says at an address of sd_notify's: a path, or @ and an abstract name."""

    def __init__(self, address: str) -> None:
        self.address = address
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(f"\0{address[1:]}" if address.startswith("@") else address)
        self._socket.setblocking(False)  # noqa: FBT003 - the library's signature
        self._said: list[tuple[float, str]] = []

    @property
    def messages(self) -> list[str]:
        with contextlib.suppress(BlockingIOError):
            while True:
                self._said.append((time.monotonic(), self._socket.recv(65536).decode()))
        return [message for _, message in self._said]

    @property
    def lines(self) -> list[str]:
        return [line for message in self.messages for line in message.splitlines()]

    def wait_for(self, line: str, times: int = 1) -> None:
        """Wait until a line, or one that begins so, was said so often."""
        wait_for(lambda: sum(one.startswith(line) for one in self.lines) >= times, 60)

    def forget(self) -> None:
        """Leave out what was said so far."""
        _ = self.messages
        self._said.clear()

    def close(self) -> None:
        self._socket.close()


@contextmanager
def supervisor(address: str) -> Iterator[Supervisor]:
    one = Supervisor(address)
    try:
        yield one
    finally:
        one.close()
