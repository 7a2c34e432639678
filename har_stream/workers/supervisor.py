"""Several workers as one stream: starts them, watches them, begins those anew that die, and speaks for all.

    main thread: start -> watch each, ask each for its vitals, tell systemd -> on a signal: pass it on, wait, add up
    HttpServer threads <- vitals of all workers, added up

Each worker listens to the source for itself and leaves the devices of the others alone, so that nothing goes from one
process to another; a device stays with its worker for as long as there are as many.
"""

from __future__ import annotations

import logging
import signal
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from threading import Event
from typing import Final

from har_stream.accounting import book_line
from har_stream.notify import Notifier
from har_stream.parts import open_workers_http
from har_stream.service import Service
from har_stream.settings import Settings
from har_stream.shard import Part
from har_stream.sinks import history_file
from har_stream.sources import is_live
from har_stream.vitals import Vitals, WorkerVitals
from har_stream.workers.joined import conditions, joined
from har_stream.workers.worker import Worker

POLL_S: Final = 0.1
ASK_EVERY_S: Final = 1.0
PATIENCE_S: Final = 0.8
"""For all workers' vitals: a little longer than each waits for its engine's books itself."""
LAST_S: Final = 0.9
"""Beside the time to drain, what workers may take to end."""

log = logging.getLogger(__name__)


class Supervisor:
    """A stream of several processes, ready to run. `words` are those of the command line; `stop` asks it to end."""

    def __init__(self, settings: Settings, words: Sequence[str], stop: Event) -> None:
        self._settings, self._stop = settings, stop
        count = settings.workers
        self._workers = [Worker(Part(number, count), words) for number in range(1, count + 1)]
        self._http = open_workers_http(self, settings, self._history_file)
        self._service = Service(self, Notifier())
        self._reload_asked = False
        self._asked_s = 0.0

    hangs = False
    """What hangs in a worker ends with it."""

    @property
    def alive(self) -> bool:
        """Tell that dead workers begin anew."""
        return True

    @property
    def up(self) -> bool:
        """Tell whether samples can come to all workers."""
        return not self.source_condition and all(worker.vitals is not None for worker in self._workers)

    @property
    def engine_beat_s(self) -> float:
        """When the engine that has not turned for longest last took a turn, by time.monotonic()."""
        return min((worker.beat_s for worker in self._workers if worker.begun), default=time.monotonic())

    @property
    def source_condition(self) -> str:
        """Why some devices' samples cannot come in."""
        told = (f"worker {worker.part.number} {one}" if (one := worker.condition) else "" for worker in self._workers)
        return conditions([*told, *(worker.vitals.source for worker in self._workers if worker.vitals is not None)])

    def reload(self) -> None:
        """Ask for the settings to be read again; returns at once and may be called from a signal handler."""
        self._reload_asked = True

    def vitals(self) -> Vitals:
        """Return how all workers stand, together; may be called from any thread."""
        self._ask(self._workers, PATIENCE_S)
        return self._joined()

    def run(self) -> int:
        """Run until all workers have ended by themselves, or `stop` is set; returns the exit code."""
        code = self._begin()
        if code == 0:
            if self._http is not None:
                self._http.start()
            self._watch()
        self._service.stopping()
        self._end()
        if self._http is not None:
            self._http.close()
        self._report()
        return code or int(any(worker.failed for worker in self._workers))

    def _begin(self) -> int:
        """Start the first worker; once it has its parts, the others: what is wrong with these is told once."""
        first, *others = self._workers
        first.start()
        while first.vitals is None and not (first.done or self._stop.is_set()):
            time.sleep(POLL_S / 10)
            first.watch(restarts=False)
            self._ask([first], POLL_S)
        if first.done and first.code:
            return abs(first.code)
        if self._stop.is_set():
            return 0
        for worker in others:
            worker.start()
        log.info("%d workers: %s", len(self._workers), self._settings.source)
        return 0

    def _watch(self) -> None:
        live = is_live(self._settings.source)
        while not self._stop.is_set() and not all(worker.done for worker in self._workers):
            for worker in self._workers:
                worker.watch(restarts=live)
            if live and any(worker.done for worker in self._workers):
                return  # nobody reads its labels any more, nor those of the others
            if time.monotonic() >= self._asked_s + ASK_EVERY_S:
                self._asked_s = time.monotonic()
                self._ask(self._workers, POLL_S)
            self._service.watch()
            if self._reload_asked:
                self._reload_asked = False
                self._service.reload(self._pass_on_reload)
            # No wait() on the event: a signal handler that sets it would wait for the lock that this thread holds.
            time.sleep(POLL_S)

    def _ask(self, workers: Sequence[Worker], patience_s: float) -> None:
        """Have workers tell their vitals, all at the same time."""
        until_s = time.monotonic() + patience_s
        asked = [(worker, worker.ask(until_s)) for worker in workers]
        for worker, number in asked:
            worker.hear(number, until_s)

    def _pass_on_reload(self) -> str:
        for worker in self._workers:
            if worker.begun:  # one that is being loaded has just read it
                worker.send(signal.SIGHUP)
        return "workers read their configuration again"

    def _end(self) -> None:
        """Ask all to end, and see that they do in time."""
        for worker in self._workers:
            worker.send(signal.SIGTERM)
        deadline_s = time.monotonic() + self._settings.queues.drain_s + LAST_S
        while (left := [one for one in self._workers if one.pid is not None]) and time.monotonic() < deadline_s:
            for worker in left:
                worker.watch(restarts=False)
            time.sleep(POLL_S / 10)
        for worker in left:
            log.error("worker %d: does not end; killed", worker.part.number)
            worker.kill()

    def _report(self) -> None:
        if not any(worker.told for worker in self._workers):
            return
        told = self._joined()
        log.info("all workers: %s", book_line(told.stream.books, told.stream.buffered))
        for sink in told.sinks:
            log.info("all workers: %s: %d written, %d dropped", sink.name, sink.written, sink.dropped)

    def _joined(self) -> Vitals:
        parts = [one for worker in self._workers for one in worker.told]
        if not parts:
            raise RuntimeError("no worker has told anything yet")
        running = tuple(worker.pid for worker in self._workers if worker.begun and worker.pid is not None)
        restarts = sum(worker.restarts for worker in self._workers)
        told = joined(parts, ending=self._stop.is_set())
        source = self.source_condition
        return replace(told, source=source, workers=WorkerVitals(len(self._workers), running, restarts))

    def _history_file(self) -> Path | None:
        return history_file(self._settings.sinks)
