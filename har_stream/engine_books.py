"""Reads the engine's books between two ticks, where they balance, without a cost for any sample.

    engine thread: with tick(): ...          any other thread: read()

A reader has to wait for the end of the tick that is under way, and the next tick for the reader. A lock alone would
not do: an engine with much to do takes it again before a reader wakes. So there is a door before the room: who waits
for the room stands in the door, and nobody gets past.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from threading import Lock
from typing import Final

from har_stream.block_queue import BlockQueue
from har_stream.device_books import DeviceBooks
from har_stream.latency import Histogram
from har_stream.pipeline import Pipeline
from har_stream.samples import Prediction
from har_stream.vitals import Reading

PATIENCE_S: Final = 1.0
"""Many times what a tick takes; an engine that takes longer is stuck."""


class EngineBooks:
    """The books of a queue, the pipeline behind it, and the labels that came out.

    `now` is the clock of arrivals; a device is stale after stale_after_s without a sample; per_device of them at most
    have books of their own. beat_s is when the engine last took a turn, by time.monotonic(): long ago, it is stuck.
    """

    def __init__(
        self,
        queue: BlockQueue,
        pipeline: Pipeline,
        inference: Histogram,
        *,
        now: Callable[[], float],
        stale_after_s: float,
        per_device: int,
    ) -> None:
        self._queue, self._pipeline = queue, pipeline
        self._inference, self._now, self._stale_after_s = inference, now, stale_after_s
        self._labels: Counter[str] = Counter()
        self._of_devices = DeviceBooks(per_device)
        self._door, self._room = Lock(), Lock()
        self.beat_s = time.monotonic()
        self._last = self._read()

    def beat(self) -> None:
        """Say that the engine is at work, or waits for what it knows (engine thread)."""
        self.beat_s = time.monotonic()

    def note(self, predictions: list[Prediction]) -> None:
        """Count what a tick brought out (engine thread, within tick())."""
        self._labels.update(prediction.label for prediction in predictions)
        self._of_devices.note(predictions)

    @contextmanager
    def tick(self) -> Iterator[None]:
        """Keep readers out while a tick goes from the queue into the pipeline (engine thread)."""
        with self._door:
            self._room.acquire()
        try:
            yield
        finally:
            self._queue.taken()
            self._room.release()

    def read(self, patience_s: float = PATIENCE_S) -> Reading:
        """Return the books as they stand; after patience_s what was read last, marked late."""
        if not self._door.acquire(timeout=patience_s):
            return replace(self._last, late=True)
        try:
            if not self._room.acquire(timeout=patience_s):
                return replace(self._last, late=True)
            try:
                self._last = self._read()
            finally:
                self._room.release()
        finally:
            self._door.release()
        return self._last

    def _read(self) -> Reading:
        books, queued = self._queue.held()
        presence = self._pipeline.presence
        return Reading(
            books,
            queued + self._pipeline.buffered,
            presence.count(self._now() - self._stale_after_s),
            presence.suspicions(),
            dict(self._labels),
            self._inference.read(),
            self._of_devices.read(presence.seen_s),
        )
