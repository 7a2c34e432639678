"""Reads the engine's books between two ticks, where they balance, without a cost for any sample.

    engine thread: with books: ...          any other thread: read()

A reader has to wait for the end of the tick that is under way, and the next tick for the reader. A lock alone would
not do: an engine with much to do takes it again before a reader wakes. So there is a door before the room: who waits
for the room stands in the door, and nobody gets past.

No reader waits for long: an engine whose ticks are long reads the books itself at the end of each, and who gives up
gets those.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from threading import Lock
from typing import Final

from har_stream.block_queue import BlockQueue
from har_stream.device_books import DeviceBooks
from har_stream.latency import Histogram
from har_stream.pipeline import Pipeline
from har_stream.samples import Prediction
from har_stream.vitals import Reading

PATIENCE_S: Final = 0.5
"""Longer than a tick takes, but where a machine is held up: who watches is to have an answer within a second."""
LONG_S: Final = 0.1
"""A tick that took so long makes readers wait; to read the books after it takes a hundredth of it."""
LATE_S: Final = 3.0
"""An engine that is held up for so long by a tick may be stuck."""


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
        self._begun_s = 0.0
        self.beat_s = time.monotonic()
        self._last = self._read()

    def beat(self) -> None:
        """Say that the engine is at work, or waits for what it knows (engine thread)."""
        self.beat_s = time.monotonic()

    def note(self, predictions: list[Prediction]) -> None:
        """Count what a tick brought out (engine thread, within the room)."""
        self._labels.update(prediction.label for prediction in predictions)
        self._of_devices.note(predictions)

    def __enter__(self) -> None:
        """Keep readers out while a tick goes from the queue through the pipeline (engine thread)."""
        with self._door:
            self._room.acquire()
        self._begun_s = time.monotonic()

    def __exit__(self, *_: object) -> None:
        """Let readers in again."""
        try:
            self._queue.taken()
            if time.monotonic() - self._begun_s >= LONG_S:
                self._last = self._read()
        finally:
            self._room.release()

    def read(self, patience_s: float = PATIENCE_S) -> Reading:
        """Return the books as they stand; after patience_s as they were read last, late if the engine may be stuck."""
        until_s = time.monotonic() + patience_s
        if self._door.acquire(timeout=patience_s):
            try:
                if self._room.acquire(timeout=max(0.0, until_s - time.monotonic())):
                    try:
                        self._last = self._read()
                    finally:
                        self._room.release()
                    return self._last
            finally:
                self._door.release()
        return replace(self._last, late=time.monotonic() - self.beat_s > LATE_S)

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
