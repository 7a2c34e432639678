"""The wish to end, which a signal handler may tell at any moment and which select() can wait for."""

from __future__ import annotations

import os
import select
import signal
from threading import Event

from har_stream.commands import Stopped


class Stop(Event):
    """An Event whose set() takes no lock: a signal may come while this very thread waits for it.

    Until `begun`, a signal ends what is being loaded by raising Stopped.
    """

    def __init__(self) -> None:
        super().__init__()
        self._asked = False
        self._reader, self._writer = os.pipe()
        os.set_blocking(self._writer, False)
        self.begun = False

    def is_set(self) -> bool:
        """Tell whether the end was asked for."""
        return self._asked

    def set(self) -> None:
        """Ask for the end."""
        if not self._asked:
            self._asked = True
            os.write(self._writer, b"\0")

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until the end is asked for, at most `timeout` s; tell whether it was."""
        select.select([self._reader], [], [], timeout)
        return self._asked

    def fileno(self) -> int:
        """Return what becomes readable when the end is asked for."""
        return self._reader

    def on_signals(self) -> None:
        """Take SIGINT and SIGTERM as the wish to end."""
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._on_signal)

    def _on_signal(self, *_: object) -> None:
        if self._asked:
            return
        self.set()
        if not self.begun:
            raise Stopped
