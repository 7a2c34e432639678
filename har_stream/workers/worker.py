"""The supervisor's side of one worker: its process, what it tells, and what is left of it when it dies."""

from __future__ import annotations

import contextlib
import logging
import os
import pickle
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from multiprocessing.connection import Connection
from threading import Lock
from typing import Final

from har_stream.backoff import Backoff
from har_stream.settings import WORKER
from har_stream.shard import Part
from har_stream.vitals import Vitals
from har_stream.workers.joined import joined, of_dead
from har_stream.workers.seat import BEGUN, END, Told

LEAST_PAUSE_S, LONGEST_PAUSE_S = 1.0, 30.0
ASKED: Final = (-signal.SIGTERM, -signal.SIGKILL)
"""Codes of one that was asked to end: while the interpreter ends, signals have their default again."""
STEADY_S: Final = 60.0
"""A worker that lived so long begins again after the shortest pause."""
SUPERVISORS_OWN: Final = ("NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID")

log = logging.getLogger(__name__)


class Worker:
    """One of several processes, and those that take its place when it dies."""

    def __init__(self, part: Part, words: Sequence[str]) -> None:
        self.part, self._words = part, words
        self.begun = self.done = self._had_begun = self._has_ended = False
        self.restarts = 0
        self._told: tuple[Vitals | None, Vitals | None] = None, None
        self.beat_s = time.monotonic()
        self.code: int | None = None
        self._backoff = Backoff(least_s=LEAST_PAUSE_S, most_s=LONGEST_PAUSE_S)
        self._again_s = 0.0
        self._asking = Lock()
        self._asked = self._answered = 0
        self._process: subprocess.Popen[bytes] | None = None
        self._connection: Connection | None = None
        self._started_s = 0.0

    @property
    def pid(self) -> int | None:
        """Its process, None where it has none."""
        return self._process.pid if self._process is not None else None

    @property
    def vitals(self) -> Vitals | None:
        """What the process that there is told last, None where it has told nothing yet."""
        return self._told[0]

    @property
    def told(self) -> tuple[Vitals, ...]:
        """What is to be added up: vitals, and the sum of what all told that were in its place before."""
        return tuple(one for one in self._told if one is not None)

    @property
    def condition(self) -> str:
        """Why its devices are not served, "" where they are or nothing is left to be."""
        if self.done or (self._process is not None and self.begun):
            return ""
        again_s = max(0.0, self._again_s - time.monotonic())
        return "is being loaded" if self._process is not None else f"has died, begins again in {again_s:.0f} s"

    def start(self) -> None:
        """Start a process."""
        ours, theirs = socket.socketpair()
        os.set_inheritable(theirs.fileno(), True)  # noqa: FBT003 - as the library has it
        environment = {key: value for key, value in os.environ.items() if key not in SUPERVISORS_OWN}
        environment[WORKER] = f"{self.part.number}/{self.part.count}:{theirs.fileno()}"
        with theirs:
            self._process = subprocess.Popen(  # noqa: S603 - our own program, with the words that we were given
                [sys.executable, "-m", "har_stream", *self._words],
                stdin=subprocess.DEVNULL,
                env=environment,
                pass_fds=(theirs.fileno(),),
                start_new_session=True,  # what a terminal sends is the supervisor's to pass on
            )
        self._connection = Connection(ours.detach())
        self._started_s, self.begun, self._has_ended = time.monotonic(), False, False

    def send(self, number: int) -> None:
        """Send a signal, if there is a process."""
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(number)

    def ask(self, until_s: float) -> int:
        """Ask it to tell its vitals; returns the number of the question, for hear()."""
        with self._turn(until_s) as ours:
            if ours and self._connection is not None and self.begun:
                self._asked += 1
                with contextlib.suppress(OSError):
                    self._connection.send_bytes(self._asked.to_bytes(8))
                return self._asked
        return 0

    def hear(self, asked: int, until_s: float) -> None:
        """Wait for the answer to a question; where it does not come in time, the last that it told stands."""
        with self._turn(until_s) as ours:
            if ours and self._answered < asked:
                self._listen(until_s, asked)

    @contextlib.contextmanager
    def _turn(self, until_s: float) -> Iterator[bool]:
        """Wait until nobody else asks or listens; tells whether that was in time."""
        ours = self._asking.acquire(timeout=max(0.0, until_s - time.monotonic()))
        try:
            yield ours
        finally:
            if ours:
                self._asking.release()

    @property
    def failed(self) -> bool:
        """Tell whether it ended for good, and with a failure; one that was still being loaded has none."""
        return self.done and self._had_begun and self.code != 0

    def kill(self) -> None:
        """End it for good, at once."""
        if self._process is not None:
            self._process.kill()
            code = self._process.wait()
            with self._asking:
                self._listen(time.monotonic(), None)
            self._bury(code, time.monotonic(), restarts=False)

    def watch(self, *, restarts: bool) -> None:
        """Note what has become of it; one that died begins again, after a pause, where it `restarts`."""
        now_s = time.monotonic()
        if self._process is None:
            if not self.done and now_s >= self._again_s:
                self.restarts += 1
                self.start()
            return
        code = self._process.poll()
        with self._asking:
            self._listen(now_s, None)
        if code is not None:
            self._bury(code, now_s, restarts=restarts)

    def _bury(self, code: int, now_s: float, *, restarts: bool) -> None:
        with self._asking:
            if self._connection is not None:
                self._connection.close()
            self._process = self._connection = None
        if self._has_ended and code in ASKED:
            code = 0  # it has told its last word, and has nothing left to do but to go
        self.code, self._had_begun, self.begun = code, self.begun, False
        self.done = code == 0 or not restarts
        last, past = self._told
        # The last word of one that does not begin again stands; all else is lost, or would be told over.
        if last is not None and not (self._has_ended and self.done):
            # In one step: another thread that adds up must not find it twice, or not at all.
            self._told = None, joined([of_dead(last), *([past] if past is not None else [])])
        if self.done:
            return
        if now_s - self._started_s >= STEADY_S:
            self._backoff.reset()
        pause_s = self._backoff.missed(now_s)
        self._again_s = now_s + pause_s
        log.error("worker %d: %s; begins again in %.0f s", self.part.number, _why(code), pause_s)

    def _listen(self, until_s: float, asked: int | None) -> None:
        """Take what it tells, until it answers or time is over."""
        connection = self._connection
        with contextlib.suppress(OSError, EOFError, pickle.UnpicklingError):
            while connection is not None and connection.poll(max(0.0, until_s - time.monotonic())):
                told: Told = connection.recv()
                self.begun |= told.what == BEGUN
                self._has_ended |= told.what == END
                if told.vitals is not None:
                    self._told, self.beat_s = (told.vitals, self._told[1]), told.beat_s
                self._answered = max(self._answered, told.asked)
                if asked is not None and self._answered >= asked:
                    return


def _why(code: int) -> str:
    return f"killed by {signal.Signals(-code).name}" if code < 0 else f"ended with code {code}"
