"""A sink's own thread and bounded queue, so that no sink holds up the stream or another sink.

Where nothing waits and a sink takes labels without waiting for anybody, they pass by both.

Where a sink falls behind, the oldest labels go, counted - unless the source can wait (a replay as fast as it
can), then the stream waits for a sink that is ready.
"""

from __future__ import annotations

import itertools
import logging
import math
import os
import time
from collections import deque
from collections.abc import Callable, Iterator
from threading import Condition, Event, RLock, Thread
from typing import Final

import msgspec
import numpy as np

from har_stream.latency import END_TO_END_BOUNDS_S, Histogram
from har_stream.samples import Prediction
from har_stream.sinks.sink import Sink, SinkClosed
from har_stream.vitals import SinkVitals

IDLE_S: Final = 1.0
POLL_S: Final = 0.1
GRACE_S: Final = 1.0
"""How long the end waits for a sink that is away to come back."""
LAST_WRITES_S: Final = 0.5
"""Kept back from the time to end, for the sink to close in."""


class _Waiting(msgspec.Struct, gc=False):
    """A prediction, and when the samples that completed it arrived."""

    prediction: Prediction
    arrived_s: float


log = logging.getLogger(__name__)


class SinkWorker:
    """Runs one sink."""

    def __init__(self, sink: Sink, *, limit: int, source_waits: bool, on_closed: Callable[[], None]) -> None:
        self._sink, self._limit, self._source_waits, self._on_closed = sink, limit, source_waits, on_closed
        self._queue: deque[_Waiting] = deque()
        self._lock = RLock()
        self._changed = Condition(self._lock)
        self._deadline_s: float | None = None
        self._drain_s = 0.0
        self._gone = False
        self._failing = False
        self._in_hand = 0
        self._waits = False
        self._offered = 0
        self._latency = Histogram(END_TO_END_BOUNDS_S)
        self._idle_at_s = 0.0
        self.failed = False
        self.written = 0
        self.thread = Thread(target=self._run, name=f"sink {sink.name}", daemon=True)

    def start(self) -> None:
        """Begin to write."""
        self.thread.start()

    def put(
        self,
        predictions: list[Prediction],
        arrived_s: float = math.nan,
        *,
        while_waiting: Callable[[], None] = lambda: None,
    ) -> None:
        """Queue predictions; see the module for what happens where there is no room.

        arrived_s is when the samples that completed them arrived, by time.monotonic(), if that is known. Where room is
        waited for `while_waiting` is called again and again.
        """
        with self._lock:
            if self._waits and not self._queue and self._pass_on(predictions, arrived_s):
                return
            for part in self._portions(predictions, while_waiting):
                self._offered += len(part)
                if not self._gone:
                    self._queue.extend([_Waiting(one, arrived_s) for one in part])
                self._trim()
                self._changed.notify_all()

    def _pass_on(self, predictions: list[Prediction], arrived_s: float) -> bool:
        """Write predictions in the thread that has them, if nobody is waited for: to wake another takes 0.1 ms."""
        try:
            # After a failure only write() can tell that it is over.
            passed = not (self._gone or self._failing) and self._sink.pass_on(predictions)
        except OSError:  # write() meets it again, and tells
            return False
        if passed:  # and nobody need be told, for nothing changed that is waited for
            taken_s = time.monotonic()
            os.sched_yield()  # Linux may have woken the reader on this very processor, where it waits until we give way
            self._offered += len(predictions)
            self.written += len(predictions)
            self._latency.add(taken_s - np.full(len(predictions), arrived_s))
        return passed

    def _portions(self, predictions: list[Prediction], while_waiting: Callable[[], None]) -> Iterator[list[Prediction]]:
        """Yield predictions as there is room for them, if the source waits; else at once."""
        while self._source_waits and predictions:
            while not self._changed.wait_for(self._has_room, timeout=POLL_S):
                while_waiting()
            room = max(1, self._limit - len(self._queue))
            yield predictions[:room]
            predictions = predictions[room:]
        yield predictions

    def _trim(self) -> None:
        while len(self._queue) > self._limit:
            self._queue.popleft()

    def flush(self, stop: Event) -> None:
        """Wait until all is written, the sink can take no more, or `stop` is set."""
        with self._changed:
            while (self._queue or self._in_hand) and not self._gone and self._sink.ready() and not stop.is_set():
                self._changed.wait(timeout=POLL_S)

    def ask_to_finish(self, deadline_s: float) -> None:
        """Begin to end; returns at once, so that a sink that hangs keeps no other from its last words."""
        with self._changed:
            self._deadline_s, self._drain_s = deadline_s, deadline_s - time.monotonic()
            self._changed.notify_all()

    def finish(self, deadline_s: float) -> None:
        """Write what waits and end, at the latest when time.monotonic() reaches deadline_s."""
        if self._deadline_s is None:
            self.ask_to_finish(deadline_s)
        self.thread.join(max(0.0, deadline_s - time.monotonic()))
        self._leave()

    @property
    def name(self) -> str:
        """The sink's name."""
        return self._sink.name

    @property
    def condition(self) -> str:
        """Why labels do not go out, "" where they do."""
        if self.failed:
            return "stopped by a fault of its own"
        if self._failing:
            return "cannot be written"
        return self._sink.condition

    def vitals(self) -> SinkVitals:
        """Return how it stands."""
        with self._changed:
            waiting, latency = len(self._queue), self._latency.read()
        return SinkVitals(self.name, self.condition, self.written, self.dropped, waiting, self._limit, latency)

    @property
    def dropped(self) -> int:
        """Labels that were offered and neither written nor wait; at the end none waits."""
        with self._changed:
            return self._offered - self.written - self._held

    @property
    def waiting(self) -> int:
        """Labels that wait to be written, or for the word that they are."""
        with self._changed:
            return self._held

    @property
    def _held(self) -> int:
        return 0 if self._gone else len(self._queue) + self._in_hand

    def _has_room(self) -> bool:
        return len(self._queue) < self._limit or self._gone or self._deadline_s is not None or not self._sink.ready()

    def _run(self) -> None:
        try:
            self._sink.start(self._wake)
            while (batch := self._next()) is not None:
                if batch:
                    self._write(batch)
                self._idle_now_and_then()
            self._sink.close(self._deadline_s or time.monotonic())
        except Exception as error:  # noqa: BLE001 - a sink's own fault is told, and the stream goes on without it
            log.critical("%s: stopped by a fault of its own: %r", self._sink.name, error)
            self.failed = True
            self._leave()

    def _wake(self) -> None:
        with self._changed:
            self._changed.notify_all()

    def _next(self) -> list[_Waiting] | None:
        """Return what may be written now, [] when it is time to be idle, None at the end."""
        with self._changed:
            self._waits = True
            self._changed.wait_for(lambda: self._may_write() or self._over(), timeout=IDLE_S)
            self._waits = False
            if self._may_write():
                batch = list(itertools.islice(self._queue, self._sink.at_once))
                for _ in batch:
                    self._queue.popleft()
                self._in_hand = len(batch)
                self._changed.notify_all()
                return batch
            return None if self._over() else []

    def _may_write(self) -> bool:
        return bool(self._queue) and not self._gone and self._sink.ready()

    def _over(self) -> bool:
        """Tell whether to end: asked to, and nothing waits that a last moment could still bring out."""
        if self._deadline_s is None:
            return False
        patience_s = LAST_WRITES_S if self._sink.ready() else max(LAST_WRITES_S, self._drain_s - GRACE_S)
        return not self._queue or self._gone or time.monotonic() >= self._deadline_s - patience_s

    def _write(self, batch: list[_Waiting]) -> None:
        """Write a batch; what the sink does not take goes back to the front of the queue."""
        taken, lost = 0, len(batch)
        try:
            taken = self._sink.write([one.prediction for one in batch])
            lost = 0
            self._tell_recovery(taken)
        except SinkClosed:
            self._leave()
            self._on_closed()
        except OSError as error:
            self._tell_failure(error)
        finally:
            self._book(batch, taken=taken, lost=lost)

    def _idle_now_and_then(self) -> None:
        """Let the sink do what time asks for, however busy it is."""
        if time.monotonic() >= self._idle_at_s:
            self._sink.idle()
            self._idle_at_s = time.monotonic() + IDLE_S

    def _book(self, batch: list[_Waiting], *, taken: int, lost: int) -> None:
        arrived_s = np.array([one.arrived_s for one in batch[:taken]], np.float64)
        with self._changed:
            self._latency.add(time.monotonic() - arrived_s)
            self.written += taken
            if not self._gone:
                self._queue.extendleft(reversed(batch[taken + lost :]))
                self._trim()
            self._in_hand = 0
            self._changed.notify_all()

    def _tell_failure(self, error: OSError) -> None:
        """Say once that labels are being lost."""
        if not self._failing:
            log.error("%s: cannot be written: %s; labels are lost until it can", self._sink.name, error.strerror)
        self._failing = True

    def _tell_recovery(self, taken: int) -> None:
        if taken and self._failing:
            log.warning("%s: can be written again", self._sink.name)
            self._failing = False

    def _leave(self) -> None:
        with self._changed:
            self._gone = True
            self._queue.clear()
            self._changed.notify_all()
