"""The worker's side: which part it has, what holds for it of the settings, and how it answers its supervisor.

A supervisor starts a worker with HAR_STREAM_WORKER=PART/COUNT:DESCRIPTOR in its environment; the descriptor is a socket
on which it asks for vitals. A worker whose supervisor has gone ends.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass
from multiprocessing.connection import Connection
from threading import Event, Lock, Thread
from typing import TYPE_CHECKING

import msgspec

from har_stream.settings import WORKER, Settings
from har_stream.shard import Part, parse_part
from har_stream.vitals import Vitals

if TYPE_CHECKING:
    from har_stream.daemon import Daemon

BEGUN, END = "begun", "end"
"""What a worker says unasked: that it has its parts, and in the end its last vitals."""


@dataclass(frozen=True, slots=True)
class Told:
    """What a worker tells: `asked` is the number of the question, 0 for none; the beat is by time.monotonic()."""

    asked: int
    what: str
    vitals: Vitals | None = None
    beat_s: float = 0.0


class Seat:
    """A worker's place among its siblings."""

    def __init__(self, part: Part, descriptor: int) -> None:
        self.part = part
        self._connection = Connection(descriptor)
        self._sending = Lock()

    def settings(self, given: Settings) -> Settings:
        """Return what holds for this worker: broker and HTTP are its supervisor's, a client id is its own."""
        own = given.mqtt.client_id
        return msgspec.structs.replace(
            given,
            broker="",
            http="off",
            mqtt=msgspec.structs.replace(given.mqtt, client_id=own and f"{own}-{self.part.number}"),
            metrics=msgspec.structs.replace(given.metrics, per_device=-(-given.metrics.per_device // self.part.count)),
        )

    def serve(self, daemon: Daemon, stop: Event) -> None:
        """Begin to answer, in a thread of its own; `stop` is set when the supervisor has gone."""
        self._tell(Told(0, BEGUN))
        Thread(target=self._serve, args=(daemon, stop), name="seat", daemon=True).start()

    def end(self, daemon: Daemon) -> None:
        """Tell the last vitals: the books of this worker, closed."""
        self._tell(Told(0, END, daemon.vitals(), daemon.engine_beat_s))

    def _serve(self, daemon: Daemon, stop: Event) -> None:
        with contextlib.suppress(OSError, EOFError):
            while True:
                asked = int.from_bytes(self._connection.recv_bytes())
                while self._connection.poll():  # one answer is one for all that have asked meanwhile
                    asked = int.from_bytes(self._connection.recv_bytes())
                self._tell(Told(asked, "", daemon.vitals(), daemon.engine_beat_s))
        stop.set()

    def _tell(self, told: Told) -> None:
        with self._sending, contextlib.suppress(OSError):
            self._connection.send(told)


def seat_of(environment: Mapping[str, str]) -> Seat | None:
    """Return the seat of a process that a supervisor has started, None for any other."""
    text = environment.get(WORKER, "")
    if not text:
        return None
    part, _, descriptor = text.partition(":")
    return Seat(parse_part(part), int(descriptor))
