"""Records what the pipeline is given, in a thread of its own: a file a device, which replays to the same labels.

    engine thread: put(tick) -> bounded queue -> recorder thread: a gzip member a device, twice a second

The engine hands over each tick that it gave to the pipeline: no place else are samples in the order, and in the
company, in which they are labelled, and without those that a full queue dropped. It never waits for a disk: where the
queue is full the oldest ticks go, counted - unless the source can wait (a replay as fast as it can), then the stream
waits for a disk that is not failing. What a failing disk does not take is lost, counted, and told once.
"""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Callable, Iterable
from threading import Condition, Event, Thread
from typing import Final

from har_stream.recording_file import make_folder
from har_stream.recordings import Blocks, Recordings

EVERY_S: Final = 0.5
"""With what a write takes, a process that is killed loses less than a second."""
MOST_WAITING: Final = 262_144
"""Samples: some ten seconds of 500 devices."""
LEAST_WEIGHT: Final = 16
"""What a block counts at least, in samples, for the memory that it takes itself."""
POLL_S: Final = 0.1

log = logging.getLogger(__name__)


class Recorder:
    """A queue and a thread before Recordings. Raises ConfigError where the folder cannot be written.

    source_waits tells that the source can; `stop`, once set, that it should not any more.
    """

    def __init__(self, recordings: Recordings, *, source_waits: bool, stop: Event) -> None:
        make_folder(recordings.folder)
        self.folder = recordings.folder
        self._recordings = recordings
        self._source_waits, self._stop = source_waits, stop
        self._ticks: deque[Blocks] = deque()
        self._waiting = 0
        self._offered = self._in_hand = 0
        self._ending = self._hurried = self._gone = False
        self._overflowing = False
        self._changed = Condition()
        self.failing = False
        self.recorded = 0
        self.thread = Thread(target=self._run, name="recorder", daemon=True)

    def start(self) -> None:
        """Begin to record."""
        self.thread.start()

    @property
    def files(self) -> int:
        """Files that were begun."""
        return self._recordings.files

    @property
    def lost(self) -> int:
        """Samples that were handed over and are not recorded, nor wait to be."""
        with self._changed:
            wait = 0 if self._gone else sum(map(_samples, self._ticks)) + self._in_hand
            return self._offered - self.recorded - wait

    @property
    def condition(self) -> str:
        """Why samples are not recorded, "" where they are."""
        if self._gone:
            return "has stopped"
        return f"{self.folder} cannot be written" if self.failing else ""

    def put(self, tick: Blocks, *, while_waiting: Callable[[], None] = lambda: None) -> None:
        """Take a tick's blocks (engine thread); `while_waiting` is called again and again while there is no room."""
        with self._changed:
            while self._source_waits and not (self._has_room() or self._gone or self._stop.is_set()):
                self._changed.wait(timeout=POLL_S)
                while_waiting()
            self._offered += _samples(tick)
            if self._gone:
                return
            self._ticks.append(tick)
            self._waiting += _weight(tick)
            self._drop_oldest()
            if not self._has_room():
                self._changed.notify_all()

    def flush(self) -> None:
        """Wait until all is written or lost, or the stream is asked to stop."""
        with self._changed:
            self._hurried = True
            self._changed.notify_all()
            while (self._ticks or self._in_hand) and not self._gone and not self._stop.is_set():
                self._changed.wait(timeout=POLL_S)

    def finish(self, deadline_s: float) -> None:
        """Write what waits and end, at the latest when time.monotonic() reaches deadline_s."""
        with self._changed:
            self._ending = True
            self._changed.notify_all()
        self.thread.join(max(0.0, deadline_s - time.monotonic()))
        self._leave()

    def _has_room(self) -> bool:
        return self._waiting <= MOST_WAITING // 2 or self.failing

    def _drop_oldest(self) -> None:
        over = False
        while self._waiting > MOST_WAITING and len(self._ticks) > 1:
            oldest = self._ticks.popleft()
            self._waiting -= _weight(oldest)
            over = True
        if over and not self._overflowing and not self.failing:
            log.warning("record: %s: the disk is too slow; the oldest samples are not recorded", self.folder)
        self._overflowing |= over

    def _run(self) -> None:
        try:
            while (ticks := self._next()) is not None:
                self._write(ticks)
        except Exception as error:  # noqa: BLE001 - the recorder's own fault is told, and labels go on without it
            log.critical("record: %s: stopped by a fault of its own: %r", self.folder, error)
            self._leave()

    def _leave(self) -> None:
        with self._changed:
            self._gone = True
            self._ticks.clear()
            self._changed.notify_all()

    def _next(self) -> deque[Blocks] | None:
        """Return what waits, every so often or as soon as it is much; None at the end."""
        with self._changed:
            self._in_hand = 0
            self._changed.notify_all()
            self._changed.wait_for(
                lambda: self._ending or self._gone or self._hurried or not self._has_room(), timeout=EVERY_S
            )
            if self._gone or (self._ending and not self._ticks):
                return None
            if self._waiting <= MOST_WAITING // 2:
                self._overflowing = False
            self._hurried = False
            ticks, self._ticks, self._waiting = self._ticks, deque(), 0
            self._in_hand = sum(map(_samples, ticks))
            self._changed.notify_all()
            return ticks

    def _write(self, ticks: Iterable[Blocks]) -> None:
        fault = self._recordings.write(ticks)
        with self._changed:
            grown, self.recorded = self._recordings.recorded - self.recorded, self._recordings.recorded
            self._in_hand = 0
        if fault is not None or grown:
            self._tell(fault)

    def _tell(self, fault: OSError | None) -> None:
        """Say once that samples are being lost, and once that they are no more."""
        if fault is not None and not self.failing:
            log.error("record: %s: %s; samples are not recorded until it can be written", self.folder, fault.strerror)
        elif fault is None and self.failing:
            log.warning("record: %s: can be written again; %d samples are not recorded", self.folder, self.lost)
        with self._changed:
            self.failing = fault is not None
            self._changed.notify_all()


def _samples(tick: Blocks) -> int:
    return sum(block.samples for block in tick)


def _weight(tick: Blocks) -> int:
    return sum(max(LEAST_WEIGHT, block.samples) for block in tick)
