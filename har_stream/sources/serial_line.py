"""Bytes from a serial port, opened again whenever it is lost.

pyserial finds and sets the port; it is waited for and read here, in two system calls a chunk where pyserial's read() of
what is there takes six. What Linux does when a port is unplugged: it can be read from, and that fails (EIO) or gives
nothing; the file descriptor may also be gone.
"""

from __future__ import annotations

import contextlib
import errno
import logging
import os
import select
import termios
import time
from collections.abc import Iterator
from pathlib import Path
from threading import Event
from typing import Annotated, Final

import msgspec
import serial

from har_stream.errors import ConfigError
from har_stream.sources.serial_ports import BY_ID, lasting_name, path_of, why_not
from har_stream.sources.source import CONNECTED
from har_stream.vigil import ASLEEP, Vigil

ERRORS: Final = (serial.SerialException, OSError, termios.error, ValueError)
"""ValueError: a file descriptor that the system took away is -1, which select() does not take."""

WAIT_S: Final = 0.2
"""For a byte; then it is seen whether to stop."""
RETRY_S: Final = 0.5
"""From attempt to attempt: a port that is back is found within a second."""
STALE_S: Final = 5.0
"""After this long without a byte a port is said to be silent."""
LARGEST_CHUNK: Final = 4096
UNPLUGGED: Final = "unplugged; waiting for it to come back"

log = logging.getLogger(__name__)


class LineOptions(msgspec.Struct, frozen=True):
    """How a port is set: bits per second."""

    baud: Annotated[int, msgspec.Meta(ge=50, le=4_000_000)] = 115_200


class SerialLine:
    """A serial port by path, by-id name or serial number. Raises ConfigError where none is named.

    condition tells how it stands: "connected", "silent", or why it cannot be read; reconnects how often it was opened
    again.
    """

    def __init__(self, name: str, *, baud: int = LineOptions().baud, by_id: Path = BY_ID) -> None:
        if not name:
            raise ConfigError(
                "serial: needs a port: its path, by-id name or serial number (har-stream ports lists them)"
            )
        self.name, self._baud, self._by_id = name, baud, by_id
        self._lasting = name
        self.condition = ""
        self.reconnects = -1
        self.vigil = ASLEEP

    def chunks(self, stop: Event) -> Iterator[tuple[bytes | None, float]]:
        """Yield bytes as they come, with time.monotonic() of their arrival; b"" at the beginning of each connection.

        None where vigil, which is one's to set, says to wake and nothing has come; again and again until it is another.
        Goes on until `stop` is set; a port that is lost or not there is waited for.
        """
        while not stop.is_set():
            port = self._open()
            if port is None:
                stop.wait(RETRY_S)
                continue
            self.reconnects += 1
            yield b"", time.monotonic()
            try:
                yield from self._read(port, stop)
            finally:
                with contextlib.suppress(*ERRORS):
                    port.close()

    def _open(self) -> serial.Serial | None:
        """Open the port, under whatever name it is there now; None where it cannot be, which is told once."""
        path = path_of(self._lasting, self._by_id) or path_of(self.name, self._by_id)
        if path is None:
            if self.condition != UNPLUGGED:
                self._say("not there: is it plugged in?")
            return None
        try:
            # inter_byte_timeout: whether there is nothing to read or nothing to read from are two answers then.
            port = serial.Serial(path, self._baud, timeout=WAIT_S, inter_byte_timeout=0, exclusive=True)
        except ERRORS as error:
            self._say(why_not(path, error))
            return None
        self._lasting = lasting_name(path, self._by_id)
        self._say(CONNECTED, path)
        return port

    def _read(self, port: serial.Serial, stop: Event) -> Iterator[tuple[bytes | None, float]]:
        """Yield what comes until the port is lost or `stop` is set."""
        heard_s = time.monotonic()
        while not stop.is_set():
            try:
                data = _read_some(port, self.vigil)
            except ERRORS:
                self._say(UNPLUGGED)
                return
            now_s = time.monotonic()
            if data:
                heard_s = now_s
                self._say(CONNECTED)
                yield data, now_s
            elif now_s >= self.vigil.wake_s:
                yield None, now_s
            elif now_s - heard_s > STALE_S:
                self._say(f"silent for {STALE_S:g} s: does the device send, and at {self._baud} baud?")

    def _say(self, condition: str, path: str = "") -> None:
        """Tell of a condition once, when it begins."""
        if condition == self.condition:
            return
        self.condition = condition
        at = f" ({path})" if path and path != self.name else ""
        log.log(logging.INFO if condition == CONNECTED else logging.WARNING, "%s%s: %s", self.name, at, condition)


def _read_some(port: serial.Serial, vigil: Vigil) -> bytes:
    """Return what comes before it is time to wake, b"" for nothing. Raises one of ERRORS where the port is lost."""
    descriptor, now_s = port.fileno(), time.monotonic()
    until_s = min(now_s + WAIT_S, vigil.wake_s)
    while vigil.awake and now_s < until_s:
        data = _read_now(descriptor)
        if data:
            return data
        os.sched_yield()  # to who brings the bytes, if that is on the same processor
        now_s = time.monotonic()
    readable, _, _ = select.select([descriptor], [], [], max(0.0, until_s - now_s))
    return _read_now(descriptor) if readable else b""


def _read_now(descriptor: int) -> bytes:
    """Return what is there, b"" for nothing."""
    try:
        data = os.read(descriptor, LARGEST_CHUNK)
    except BlockingIOError:
        return b""
    if not data:
        raise OSError(errno.EIO, os.strerror(errno.EIO))
    return data
