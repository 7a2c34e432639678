"""Keeps what the pipeline knows of each device in the state file, in a thread of its own.

    engine thread: asks? -> exchange(pipeline, standings)          keeper thread: files <-> latest

The engine hands over a copy when asked and takes what another process wrote meanwhile (har-stream --calibrate);
it never waits for a disk. A disk that fails is told once and tried again.
"""

from __future__ import annotations

import logging
import time
from threading import Condition, Thread
from typing import Final, Protocol

from har_stream.standings import Standings
from har_stream.state import States
from har_stream.state_file import StateFile

KEEP_EVERY_S: Final = 8.0
"""With what a hand-over and a write take, the file is never ten seconds behind."""
HAND_OVER_S: Final = 1.0
"""How long the engine may take to hand over: without samples it has no tick, and nothing new to tell."""

log = logging.getLogger(__name__)


class Stateful(Protocol):
    """What can be asked for the states of devices and given some."""

    def snapshot(self) -> States:
        """Return a copy of all."""

    def restore(self, states: States) -> None:
        """Take the states of some devices."""


class Keeper:
    """Brings states from the engine to the file, and what others put there to the engine."""

    def __init__(self, file: StateFile, *, limit: int, every_s: float = KEEP_EVERY_S) -> None:
        """Keep states in a file, and the standings of `limit` devices at most."""
        self._file, self._limit, self._every_s = file, limit, every_s
        self.kept, self.standings = file.read(), file.standings.read().recent(time.time())
        self._latest, self._standings = self.kept, self.standings
        self._others: States = {}
        self._changed = Condition()
        self._ending = self._failing = False
        self.asks = False
        self.thread = Thread(target=self._run, name="keeper", daemon=True)

    def start(self) -> None:
        """Begin to keep."""
        self.thread.start()

    @property
    def condition(self) -> str:
        """Why states are not kept, "" where they are."""
        return f"{self._file.path} cannot be written" if self._failing else ""

    def exchange(self, engine: Stateful, standings: Standings) -> None:
        """Take the engine's states and give it what others wrote (engine thread, or when that has ended)."""
        with self._changed:
            engine.restore(self._others)
            self._others = {}
            self._latest, self._standings = engine.snapshot(), standings
            self.asks = False
            self._changed.notify_all()

    def finish(self, deadline_s: float) -> None:
        """Write what was handed over last and end, at the latest when time.monotonic() reaches deadline_s."""
        with self._changed:
            self._ending = True
            self._changed.notify_all()
        self.thread.join(max(0.0, deadline_s - time.monotonic()))
        if self.thread.is_alive():
            log.warning("%s: not written in time", self._file.path)

    def _run(self) -> None:
        while not self._ending:
            with self._changed:
                self._changed.wait_for(lambda: self._ending, timeout=self._every_s)
                self.asks = True
                self._changed.wait_for(lambda: self._ending or not self.asks, timeout=HAND_OVER_S)
            self._sync_or_tell()
        # Once more: the last hand-over may have come while the file was being written.
        self._sync_or_tell()

    def _sync_or_tell(self) -> None:
        try:
            self.sync()
        except OSError as error:
            if not self._failing:
                log.warning("%s: %s; tried again every %g s", self._file.path, error.strerror, self._every_s)
            self._failing = True
        else:
            if self._failing:
                log.info("%s: can be written again", self._file.path)
            self._failing = False

    def sync(self) -> None:
        """Make file and latest states equal; of a device that both changed the file's state goes. Raises OSError."""
        with self._file.locked():
            found = self._file.read()
            with self._changed:
                theirs = {device: state for device, state in found.items() if state != self.kept.get(device)}
                self._others |= theirs
                self.kept = self.kept | theirs
                self._latest = latest = self._latest | theirs
                standings = self._standings
            if latest != found:
                self._file.write(latest)
            self.kept = latest
            self._keep_standings(standings)

    def _keep_standings(self, standings: Standings) -> None:
        """Write how devices stand, beside those of another process that shares the file; raises OSError."""
        if standings is not self.standings:
            others = self._file.standings.read().recent(time.time())
            self._file.standings.write(standings.with_others(others, self._limit))
            self.standings = standings
