"""The JSON lines of a har-stream, each with the time when it was there to be read."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from threading import Thread
from typing import IO


@dataclass(frozen=True, slots=True)
class Label:
    """A line: who, the window's end in the device's clock, and when it came, by time.time() and time.perf_counter()."""

    device: str
    end_s: float
    at_s: float
    at_counter_s: float


class Labels:
    """Reads a pipe to its end in a thread of its own, so that what is timed is the daemon's work alone."""

    def __init__(self, output: IO[bytes] | None) -> None:
        self._lines: SimpleQueue[tuple[bytes, float, float]] = SimpleQueue()
        self._output = output
        Thread(target=self._read, name="bench labels", daemon=True).start()

    def next(self, timeout_s: float) -> Label | None:
        """Return the next label, None where none comes."""
        try:
            line, at_s, at_counter_s = self._lines.get(timeout=timeout_s)
        except Empty:
            return None
        fields = json.loads(line)
        return Label(fields["device"], fields["time"], at_s, at_counter_s)

    def take(self) -> list[Label]:
        """Return the labels that have come."""
        found = []
        while not self._lines.empty():
            label = self.next(0.0)
            found += [label] if label is not None else []
        return found

    def _read(self) -> None:
        for line in self._output or ():
            self._lines.put((line, time.time(), time.perf_counter()))
