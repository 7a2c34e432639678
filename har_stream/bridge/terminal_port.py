"""A pseudo-terminal that other programs open like a serial port; we are the device behind it."""

from __future__ import annotations

import array
import fcntl
import os
import select
import termios
import time
import tty
from pathlib import Path
from typing import Final

from har_stream.bridge.stop import Stop
from har_stream.errors import ConfigError

POLL_S: Final = 0.02
DRAIN_S: Final = 5.0
"""How long a reader has to take the rest at the end."""

LARGEST_READ: Final = 4096


class TerminalPort:
    """path is what to open; a symbolic link leads to it where one is wished.

    While somebody has it open no byte is lost: a slow reader holds us up. Without a reader bytes go nowhere, as on a
    wire. What the reader sends is dropped.
    """

    def __init__(self, link: Path | None = None) -> None:
        self._device, line = os.openpty()
        tty.setraw(line)
        self.path = os.ttyname(line)
        os.close(line)  # from here on it is known whether somebody else has it open
        os.set_blocking(self._device, False)
        self._link = link
        if link is not None:
            self._make(link)

    def wait_for_reader(self, stop: Stop) -> bool:
        """Wait until somebody has opened it; False where the end was asked for first."""
        while not self.has_reader():
            if stop.wait(POLL_S):
                return False
        return True

    def has_reader(self) -> bool:
        """Tell whether somebody has it open."""
        return not self._events() & select.POLLHUP

    def send(self, data: bytes, stop: Stop) -> bool:
        """Give bytes to the reader; False where there is none, or none any more."""
        left = memoryview(data)
        while left:
            events = self._events()
            if events & select.POLLIN and not events & select.POLLHUP:
                self._drop_what_came()
            if events & select.POLLHUP or stop.is_set():
                return False
            try:
                left = left[os.write(self._device, left) :]
            except BlockingIOError:
                select.select([stop], [self._device], [], POLL_S)
        return True

    def close(self, stop: Stop) -> None:
        """Let the reader take what it has not yet, and go."""
        if not stop.is_set() and self.has_reader():
            self._drain(stop)
        if self._link is not None:
            self._link.unlink(missing_ok=True)
        os.close(self._device)

    def _events(self) -> int:
        poll = select.poll()
        poll.register(self._device, select.POLLIN)
        return next((events for _, events in poll.poll(0)), 0)

    def _drop_what_came(self) -> None:
        try:
            os.read(self._device, LARGEST_READ)
        except OSError:  # the reader has just gone
            return

    def _drain(self, stop: Stop) -> None:
        line = os.open(self.path, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
        waiting = array.array("i", [1])
        until_s = time.monotonic() + DRAIN_S
        while waiting[0] and time.monotonic() < until_s and not stop.wait(POLL_S):
            fcntl.ioctl(line, termios.FIONREAD, waiting)
        os.close(line)

    def _make(self, link: Path) -> None:
        try:
            if link.is_symlink():
                link.unlink()
            link.symlink_to(self.path)
        except OSError as error:
            raise ConfigError(f"--link {link}: {error.strerror}") from None
