"""The daemon: threads, queues and shutdown around the pipeline.

    source thread -> BlockQueue -> engine thread (pipeline) -> SinkWorkers, a thread each

It ends when the source does, on SIGINT or SIGTERM, or when the reader of standard output has gone: the source
stops, what waits goes through, and the books are told.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from threading import Event, Thread
from typing import Final

import msgspec

from har_stream.accounting import Accounting
from har_stream.block_queue import BlockQueue
from har_stream.classifier import Classifier
from har_stream.errors import ConfigError, HarStreamError
from har_stream.manifest import Manifest, load_manifest, resolve
from har_stream.pipeline import Pipeline
from har_stream.settings import Settings
from har_stream.sinks import open_sink
from har_stream.sinks.worker import SinkWorker
from har_stream.sources import open_source

SINKS_SHARE: Final = 0.5
"""Of the time to drain, what the sinks keep for themselves after the engine."""

log = logging.getLogger(__name__)


class Daemon:
    """A stream ready to run. Raises ConfigError or InputError where it cannot be."""

    def __init__(self, settings: Settings, stop: Event | None = None) -> None:
        """Make everything ready. Setting `stop` asks the stream to end, at any time."""
        self._settings = settings
        folder = resolve(settings.model)
        self._manifest = _with_hop(load_manifest(folder), settings.hop)
        self._source = open_source(settings.source)
        self._source.fit(self._manifest.framing)
        self._check_devices()
        self._accounting = Accounting()
        classifier = Classifier(folder, self._manifest, engine=settings.engine)
        self._pipeline = Pipeline(self._manifest, classifier, settings.intake, self._accounting)
        self._queue = BlockQueue(limit=settings.queues.blocks, paced=self._source.paced, accounting=self._accounting)
        self._stop = stop or Event()
        self._failed = False
        sinks = [open_sink(text, settings) for text in settings.sinks]
        self._sinks = [
            SinkWorker(sink, limit=settings.queues.labels, source_waits=not self._source.paced, on_closed=self.stop)
            for sink in sinks
        ]
        self._describe(folder, [sink.name for sink in sinks])

    def stop(self) -> None:
        """Ask the stream to end; returns at once and may be called from any thread or signal handler."""
        self._stop.set()

    def run(self) -> int:
        """Stream until the source ends or stop() is called; returns the exit code."""
        source = Thread(target=self._feed, name="source", daemon=True)
        engine = Thread(target=self._tick, name="engine", daemon=True)
        for sink in self._sinks:
            sink.start()
        engine.start()
        source.start()
        while engine.is_alive() and not self._stop.wait(timeout=0.1):
            pass
        self._drain(source, engine)
        self._report()
        return 1 if self._failed or any(sink.failed for sink in self._sinks) else 0

    def _feed(self) -> None:
        """Bring the source's blocks to the queue (source thread)."""
        try:
            for tick in self._source.blocks(self._stop):
                self._queue.put(tick)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is told and the stream drains
            log.critical("source %s: failed: %r", self._settings.source, error)
            self._failed = True
        self._queue.close()

    def _tick(self) -> None:
        """Bring ticks through the pipeline to the sinks (engine thread)."""
        try:
            while (tick := self._queue.get()) is not None:
                # Arrival times decide on evictions; a replay as fast as it can has none.
                predictions = self._pipeline.push(tick, time.monotonic() if self._source.paced else 0.0)
                if predictions:
                    for sink in self._sinks:
                        sink.put(predictions)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is told and the stream drains
            log.critical("engine: failed: %r", error)
            self._failed = True
        self._queue.close()

    def _drain(self, source: Thread, engine: Thread) -> None:
        """Let what waits go through: for as long as it takes where the source ended, else within drain_s."""
        for sink in self._sinks:
            sink.flush(self._stop)
        self._stop.set()
        drain_s = self._settings.queues.drain_s
        deadline_s = time.monotonic() + drain_s
        self._queue.close()
        source.join(drain_s * SINKS_SHARE)
        engine.join(max(0.0, deadline_s - drain_s * SINKS_SHARE - time.monotonic()))
        self._queue.discard("shutdown")
        for sink in self._sinks:
            sink.finish(deadline_s)

    def _report(self) -> None:
        buffered = self._queue.buffered + self._pipeline.buffered
        log.info("%s", self._accounting.line(buffered))
        if self._accounting.balance(buffered):
            log.error("the books do not balance: %d samples", self._accounting.balance(buffered))
        for sink, text in zip(self._sinks, self._settings.sinks, strict=True):
            log.info("%s: %d labels written, %d dropped", text, sink.written, sink.dropped)

    def _check_devices(self) -> None:
        expected, most = self._source.devices, self._settings.intake.max_devices
        if expected is not None and expected > most:
            raise ConfigError(
                f"{self._settings.source}: brings {expected} devices, but intake.max_devices is {most}: raise it"
            )

    def _describe(self, folder: Path, sinks: list[str]) -> None:
        framing = self._manifest.framing
        log.info(
            "model %s (%s), windows of %d samples, hop %d, at %g Hz; %s -> %s",
            folder.name,
            self._settings.engine,
            framing.window,
            framing.hop,
            framing.rate_hz,
            self._settings.source,
            ", ".join(sinks),
        )


def _with_hop(manifest: Manifest, hop: int) -> Manifest:
    """Return the manifest with another hop at run time, 0 for the model's own."""
    if hop > manifest.framing.window:
        raise ConfigError(f"hop {hop} is longer than the model's window of {manifest.framing.window} samples")
    return (
        msgspec.structs.replace(manifest, framing=msgspec.structs.replace(manifest.framing, hop=hop))
        if hop
        else manifest
    )


def check_parts(settings: Settings) -> list[str]:
    """Return what is wrong with the model, source and sinks that the settings name, a line each."""
    faults = []
    checks: list[Callable[[], object]] = [
        lambda: _with_hop(load_manifest(resolve(settings.model)), settings.hop),
        lambda: open_source(settings.source),
        *(partial(open_sink, sink, settings) for sink in settings.sinks),
    ]
    for check in checks:
        try:
            check()
        except HarStreamError as error:
            faults.append(str(error))
    return faults
