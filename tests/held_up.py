"""How long a process was ready to run and the machine busy with others: what no test may hold against it."""

from __future__ import annotations

import contextlib
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final, TypeVar

LOOK_S: Final = 0.1
LONGEST_S: Final = 120.0
"""However busy the machine is."""

T = TypeVar("T")


def held_up_s(process: int | str = "self") -> float:
    """How long a process was held up so far, all its threads that live together."""
    return sum(_waits_ns(process).values()) / 1e9


class HeldUp:
    """Adds up, look by look, how long a process is held up from now on, also in threads that end meanwhile."""

    def __init__(self, process: int | str = "self") -> None:
        self._process, self._total_ns = process, 0
        self._known_ns = _waits_ns(process)

    def look(self) -> float:
        """How long it was, in s, up to now."""
        now_ns = _waits_ns(self._process)
        self._total_ns += sum(waits_ns - self._known_ns.get(task, 0) for task, waits_ns in now_ns.items())
        self._known_ns = now_ns
        return self._total_ns / 1e9


def in_time(process: subprocess.Popen[bytes], within_s: float, wait: Callable[[float], T]) -> T:
    """Wait, by a function that takes a timeout in s, for a process; time in which it was held up is none.

    Raises subprocess.TimeoutExpired where that is longer than within_s.
    """
    held_up, begun_s = HeldUp(process.pid), time.monotonic()
    while True:
        with contextlib.suppress(subprocess.TimeoutExpired):
            return wait(LOOK_S)
        took_s = time.monotonic() - begun_s
        if took_s - held_up.look() > within_s or took_s > LONGEST_S:
            raise subprocess.TimeoutExpired(process.args, within_s)


def _waits_ns(process: int | str) -> dict[str, int]:
    """How long each thread of a process waited for a processor so far, in ns."""
    waits_ns = {}
    with contextlib.suppress(OSError):  # the process has ended
        for task in Path(f"/proc/{process}/task").iterdir():
            with contextlib.suppress(OSError):  # it has
                waits_ns[task.name] = int((task / "schedstat").read_text().split()[1])
    return waits_ns
