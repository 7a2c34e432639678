"""Reads a serial line for tests, in a thread of its own."""

from __future__ import annotations

import time
from queue import Queue
from threading import Event, Thread

from har_stream.sources.serial_line import SerialLine

PATIENCE_S = 60.0


class Listener:
    """A line that is read in a thread of its own."""

    def __init__(self, line: SerialLine) -> None:
        self.line = line
        self.stop = Event()
        self._chunks: Queue[bytes] = Queue()
        self._thread = Thread(target=self._listen, daemon=True)
        self._thread.start()

    def _listen(self) -> None:
        for data, _ in self.line.chunks(self.stop):
            if data is not None:
                self._chunks.put(data)

    def read(self, length: int) -> bytes:
        """Return so many bytes, without the beginnings of connections."""
        told = b""
        while len(told) < length:
            told += self._chunks.get(timeout=PATIENCE_S)
        return told

    def connected(self) -> None:
        """Wait for the beginning of a connection."""
        while self._chunks.get(timeout=PATIENCE_S):
            pass

    def until(self, condition: str) -> None:
        """Wait until the line's condition begins with a word."""
        deadline_s = time.monotonic() + PATIENCE_S
        while not self.line.condition.startswith(condition):
            assert time.monotonic() < deadline_s, self.line.condition
            time.sleep(0.01)

    def end(self) -> None:
        """Stop reading, and see that the thread ends."""
        self.stop.set()
        self._thread.join(PATIENCE_S)
        assert not self._thread.is_alive()
