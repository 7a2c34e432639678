"""All sinks of a stream, a worker each; those whose settings change give way to others while the stream runs."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from threading import Event, Lock
from typing import TYPE_CHECKING, Final

from har_stream.reload import files_of
from har_stream.samples import Prediction
from har_stream.settings import Settings
from har_stream.sinks import open_sink
from har_stream.sinks.sink import Sink
from har_stream.sinks.worker import SinkWorker

if TYPE_CHECKING:
    from har_stream.home_assistant.announcer import Announcer

GIVE_WAY_S: Final = 2.0
"""How long a sink that is replaced may take for its last words."""
REOPENED: Final = "jsonl:"
"""A file that was moved away, as logrotate does, is begun anew when settings are read again."""

LAST_NEWS_S: Final = 0.5
"""How long an announcer may take for its last words, before its sink has its own."""

AnnouncerOf = Callable[[Sink], "Announcer | None"]

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Outlet:
    """A worker, what it was made from, and who announces devices over its sink."""

    text: str
    made_from: object
    worker: SinkWorker
    announcer: Announcer | None

    def start(self) -> None:
        """Begin to write."""
        if self.announcer is not None:
            self.announcer.start()
        self.worker.start()

    def ask_to_finish(self, deadline_s: float) -> None:
        """Begin to end, with what is still to be announced."""
        if self.announcer is not None:
            self.announcer.finish(time.monotonic() + LAST_NEWS_S)
        self.worker.ask_to_finish(deadline_s)


class Outlets:
    """Opens the sinks that settings name, each with its announcer. Raises ConfigError where one cannot be."""

    def __init__(
        self, settings: Settings, *, source_waits: bool, on_closed: Callable[[], None], announcer_of: AnnouncerOf
    ) -> None:
        self._source_waits, self._on_closed, self._announcer_of = source_waits, on_closed, announcer_of
        self._outlets: tuple[Outlet, ...] = ()
        self._outlets = self.prepared(settings)
        self._putting = Lock()

    def __iter__(self) -> Iterator[SinkWorker]:
        return iter([one.worker for one in self._outlets])

    @property
    def failed(self) -> bool:
        """Tell whether a sink was stopped by a fault of its own."""
        return any(worker.failed for worker in self)

    def start(self) -> None:
        """Begin to write."""
        for one in self._outlets:
            one.start()

    def put(self, predictions: list[Prediction], arrived_s: float, *, while_waiting: Callable[[], None]) -> None:
        """Queue predictions for each (engine thread); `while_waiting` is called while there is no room."""
        with self._putting:
            for one in self._outlets:
                one.worker.put(predictions, arrived_s, while_waiting=while_waiting)

    def flush(self, stop: Event) -> None:
        """Wait until each has written all, can take no more, or `stop` is set."""
        for worker in self:
            worker.flush(stop)

    def finish(self, deadline_s: float) -> None:
        """End all, at the latest when time.monotonic() reaches deadline_s."""
        for one in self._outlets:
            one.ask_to_finish(deadline_s)
        for worker in self:
            worker.finish(deadline_s)

    def prepared(self, settings: Settings) -> tuple[Outlet, ...]:
        """Return what the settings ask for: outlets that run and stay as they are, and new ones. Raises ConfigError."""
        free = list(self._outlets)
        wanted: list[Outlet] = []
        for text in settings.sinks:
            made_from = _made_from(text, settings)
            kept = next((one for one in free if made_from is not None and one.made_from == made_from), None)
            if kept is not None:
                free.remove(kept)
            wanted.append(kept or self._outlet(text, made_from, settings))
        return tuple(wanted)

    def exchange(self, wanted: tuple[Outlet, ...]) -> list[str]:
        """Put what prepared() gave in the place of what runs; returns the URIs of new sinks.

        Old ones end before new ones begin, for they may have the same client id on a broker; and once no put() goes on
        that began with the old ones, for what it brought to one that has ended would be lost. One that waits for room
        in a sink that hangs is not waited for.
        """
        before, self._outlets = self._outlets, wanted
        if self._putting.acquire(timeout=GIVE_WAY_S):
            self._putting.release()
        for one in before:
            if one not in wanted:
                one.ask_to_finish(time.monotonic() + GIVE_WAY_S)
                one.worker.finish(time.monotonic() + GIVE_WAY_S)
                report(one.text, one.worker)
        new = [one for one in wanted if one not in before]
        for one in new:
            one.start()
        return [one.text for one in new]

    def report(self) -> None:
        """Tell how many labels each wrote and lost."""
        for one in self._outlets:
            report(one.text, one.worker)

    def _outlet(self, text: str, made_from: object, settings: Settings) -> Outlet:
        sink = open_sink(text, settings)
        worker = SinkWorker(
            sink, limit=settings.queues.labels, source_waits=self._source_waits, on_closed=self._on_closed
        )
        return Outlet(text, made_from, worker, self._announcer_of(sink))


def report(text: str, worker: SinkWorker) -> None:
    """Tell how many labels a sink wrote and lost."""
    log.info("%s: %d labels written, %d dropped", text, worker.written, worker.dropped)


def _made_from(text: str, settings: Settings) -> object:
    """Return all that a sink is made from, None for one that is made anew every time."""
    if text.startswith(REOPENED):
        return None
    if text.startswith("history:"):
        return text, settings.history
    return (text, settings.mqtt, files_of(settings)) if text.startswith("mqtt") else text
