"""The stream as a service under systemd: when it is ready, how it stands, and that its engine turns.

main thread, a few times a second: watch()          on SIGHUP: reload(...)          at the end: stopping()
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final, Protocol

from har_stream.notify import READY, STOPPING, WATCHDOG, Notifier, reloading, status
from har_stream.vitals import Vitals
from har_stream.web import readiness

STATUS_EVERY_S: Final = 1.0
FEEDS_IN_TIME: Final = 3
"""How often the watchdog is fed within the time that it grants: a late feed or two do no harm."""


class Watched(Protocol):
    """A stream as its service sees it."""

    @property
    def up(self) -> bool:
        """Tell whether samples can come; the model is loaded by then."""

    @property
    def engine_beat_s(self) -> float:
        """When the engine last took a turn, with or without samples, by time.monotonic()."""

    def vitals(self) -> Vitals:
        """Return how all parts stand."""


class Service:
    """Tells a supervisor about a stream."""

    def __init__(self, stream: Watched, notifier: Notifier) -> None:
        self._stream, self._notifier = stream, notifier
        self._ready = False
        self._status = ""
        self._status_at_s = self._fed_at_s = self._fed_turn_s = 0.0

    def watch(self) -> None:
        """Tell what there is to tell; to be called again and again."""
        if not self._notifier.heard:
            return
        now_s = time.monotonic()
        if not self._ready and self._stream.up:
            self._ready = True
            self._notifier.tell(READY)
        self._feed_watchdog(now_s)
        if now_s >= self._status_at_s:
            self._status_at_s = now_s + STATUS_EVERY_S
            self._tell_status()

    def reload(self, take: Callable[[], str]) -> None:
        """Let settings be taken anew; `take` returns what came of it, in words."""
        self._notifier.tell(*reloading(), status("reads its configuration again"))
        told = take()
        self._status = ""
        self._notifier.tell(*([READY] if self._ready else []), status(told))

    def stopping(self) -> None:
        """Tell that the end has begun."""
        self._notifier.tell(STOPPING, status("ends: what waits goes through"))

    def _feed_watchdog(self, now_s: float) -> None:
        """Feed it where the engine has turned since it was fed last: an engine that is stuck gets it to bite."""
        patience_s, turned_s = self._notifier.watchdog_s, self._stream.engine_beat_s
        if patience_s is None or now_s < self._fed_at_s + patience_s / FEEDS_IN_TIME or turned_s <= self._fed_turn_s:
            return
        self._fed_at_s, self._fed_turn_s = now_s, turned_s
        self._notifier.tell(WATCHDOG)

    def _tell_status(self) -> None:
        vitals = self._stream.vitals()
        found = readiness.reasons(vitals)
        present = vitals.stream.present.devices
        devices = "1 device" if present == 1 else f"{present} devices"
        told = f"{'; '.join(found)} ({devices})" if found else f"streams labels of {devices}"
        if told != self._status:
            self._status = told
            self._notifier.tell(status(told))
