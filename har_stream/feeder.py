"""Brings what a source has to the engine's queue, in a thread of its own; a running source can give way to another."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from threading import Event, Thread
from typing import Final

from har_stream.block_queue import BlockQueue
from har_stream.samples import Tick
from har_stream.shard import ALL, Share
from har_stream.sources.source import CONNECTED, Source

GIVE_WAY_S: Final = 3.0
"""How long a source may take to let go of its port or broker; then the next one begins, and tries until it is free."""

log = logging.getLogger(__name__)


class Feeder:
    """Runs a source, and its successors; blocks of devices outside `share` go no further.

    pass_by takes a tick past the queue, if it can: asked where a source brings one device, which nobody keeps waiting.
    """

    def __init__(
        self,
        source: Source,
        name: str,
        queue: BlockQueue,
        share: Share = ALL,
        pass_by: Callable[[Tick, float], bool] = lambda _tick, _arrived_s: False,
    ) -> None:
        self._source, self._name, self._queue, self._share, self._pass_by = source, name, queue, share, pass_by
        self._stop = Event()
        self._reconnects_before = 0
        self.failed = False
        self.thread = self._new_thread()

    @property
    def source(self) -> Source:
        """The one that runs now."""
        return self._source

    @property
    def condition(self) -> str:
        """Why no samples can come, "" where they can."""
        condition = self._source.condition
        return "" if condition == CONNECTED else condition

    @property
    def reconnects(self) -> int:
        """How often the sources were lost and came back."""
        return self._reconnects_before + self._source.reconnects

    def start(self) -> None:
        """Begin to read."""
        self.thread.start()

    def replace(self, source: Source, name: str) -> None:
        """Let another source take the place of the one that runs."""
        before = self._source
        self._stop.set()
        self.thread.join(GIVE_WAY_S)
        self._reconnects_before += before.reconnects
        self._source, self._name, self._stop = source, name, Event()
        self.thread = self._new_thread()
        self.thread.start()

    def stop(self) -> None:
        """Ask the source to end; returns at once."""
        self._stop.set()

    def _new_thread(self) -> Thread:
        return Thread(target=self._run, args=(self._source, self._name, self._stop), name="source", daemon=True)

    def _run(self, source: Source, name: str, stop: Event) -> None:
        alone = source.devices == 1
        try:
            for tick in source.blocks(stop):
                arrived_s = source.arrived_s
                if ours := self._share.of(tick):
                    arrived_s = time.monotonic() if arrived_s is None else arrived_s
                    if not (alone and self._pass_by(ours, arrived_s)):
                        self._queue.put(ours, arrived_s, source.progress)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is told and the stream drains
            log.critical("source %s: failed: %r", name, error)
            self.failed = True
        if not stop.is_set():  # it ended by itself, and with it the stream
            self._queue.close()
