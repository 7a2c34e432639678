"""Runs the real command, as a person would."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from tests.held_up import in_time

TIMEOUT_S = 120.0


@dataclass(frozen=True, slots=True)
class Ended:
    """What a command left: its exit code, output and what it said."""

    code: int
    output: bytes
    said: str

    @property
    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.output.splitlines()]


def environment(**extra: str) -> dict[str, str]:
    """This process's environment without har-stream's own variables, and with `extra`.

    Health and metrics are off unless they are asked for: many processes at a time would want the same port.
    """
    others = {key: value for key, value in os.environ.items() if not key.startswith("HAR_STREAM_")}
    return others | {"HAR_STREAM_HTTP": "off"} | extra


def command(*words: str, module: str = "har_stream") -> list[str]:
    return [sys.executable, "-m", module, *words]


def run(*words: str, module: str = "har_stream", **extra: str) -> Ended:
    """Run a command to its end."""
    done = subprocess.run(
        command(*words, module=module),
        capture_output=True,
        timeout=TIMEOUT_S,
        check=False,
        env=environment(**extra),
    )
    return Ended(done.returncode, done.stdout, done.stderr.decode())


@contextmanager
def running(*words: str, program: str | None = None) -> Iterator[subprocess.Popen[bytes]]:
    """Run a command, or a Python program, while the block lasts; kill it if it is still there afterwards."""
    line = [sys.executable, "-c", program, *words] if program else command(*words)
    process = subprocess.Popen(line, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment(), bufsize=0)
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()


def end(process: subprocess.Popen[bytes], number: int = signal.SIGTERM, within_s: float = 5.0) -> Ended:
    """Send a signal and wait. Raises subprocess.TimeoutExpired where the process does not end in time.

    Time in which it was ready to run and the machine busy does not count.
    """
    process.send_signal(number)
    output, said = in_time(process, within_s, partial(process.communicate, None))
    return Ended(process.returncode, output, said.decode())


def open_files(process: int) -> set[str]:
    """What a process has open: paths, and names of what has none."""
    found = set()
    for link in Path(f"/proc/{process}/fd").iterdir():
        with suppress(FileNotFoundError):  # one that it closes in this moment
            found.add(str(link.readlink()))
    return found


def handles(process: int, number: int) -> bool:
    """Tell whether a process has something of its own to do on a signal."""
    (caught,) = re.findall(r"SigCgt:\s*(\w+)", Path(f"/proc/{process}/status").read_text())
    return bool(int(caught, 16) >> (number - 1) & 1)


def books(said: str) -> dict[str, int]:
    """Return the numbers of the accounting line."""
    (line,) = [line for line in said.splitlines() if "samples in" in line]
    words = line.replace("(", " ( ").replace(";", " ; ").split()
    return {name: int(words[words.index(name) + 1]) for name in ("in", "used", "refused", "dropped", "buffered")}
