"""Brings what a source has to the engine's queue, in a thread of its own; a running source can give way to another."""

from __future__ import annotations

import logging
import time
from threading import Event, Thread
from typing import Final, Protocol

from har_stream.block_queue import BlockQueue
from har_stream.samples import Tick
from har_stream.shard import ALL, Share
from har_stream.sources.source import CONNECTED, Source
from har_stream.vigil import Vigil

GIVE_WAY_S: Final = 3.0
"""How long a source may take to let go of its port or broker; then the next one begins, and tries until it is free."""

log = logging.getLogger(__name__)


class Bypass(Protocol):
    """A way past the queue, for a source of one device; what its thread does there keeps nobody else waiting."""

    @property
    def vigil(self) -> Vigil:
        """How to wait for what comes next."""

    def pass_by(self, tick: Tick, arrived_s: float) -> bool:
        """Take a tick that arrived at arrived_s, and tell whether that is done; else it is to be put on the queue."""

    def rehearse(self) -> None:
        """Use a lull to make ready for what comes next."""


class Feeder:
    """Runs a source, and its successors; blocks of devices outside `share` go no further.

    `bypass` is the way past the queue for sources of one device.
    """

    def __init__(
        self,
        source: Source,
        name: str,
        queue: BlockQueue,
        share: Share = ALL,
        bypass: Bypass | None = None,
    ) -> None:
        self._source, self._name, self._queue, self._share, self._bypass = source, name, queue, share, bypass
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
        bypass = self._bypass if source.devices == 1 else None
        try:
            for tick in source.blocks(stop):
                arrived_s = time.monotonic() if source.arrived_s is None else source.arrived_s
                ours = self._share.of(tick)
                if ours and not (bypass is not None and bypass.pass_by(ours, arrived_s)):
                    self._queue.put(ours, arrived_s, source.progress)
                if bypass is not None:
                    if not tick:
                        bypass.rehearse()
                    source.vigil = bypass.vigil
        except Exception as error:  # noqa: BLE001 - whatever it is, it is told and the stream drains
            log.critical("source %s: failed: %r", name, error)
            self.failed = True
        if not stop.is_set():  # it ended by itself, and with it the stream
            self._queue.close()
