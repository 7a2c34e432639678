"""The events that a live page reads: all that stands, then what has changed, five times a second at most.

Each is one JSON object; a page takes from it what is there:

    hello     what holds throughout: labels, rate, when a device counts as silent   (in the first event alone)
    all       every device in the list anew
    some      devices whose row has changed
    one       the device that the page is open on, from near
    stream    how the stream stands, once a second at most
    suspected what looks wrong, by device
    labelled  what people say that they really do, as /api/labels tells it

A page's thread waits for nobody but its own reader: it asks Live for what is new whenever it may send again, so what a
slow reader misses is the states in between.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator
from threading import Lock
from typing import Any, Final, Protocol

import msgspec

from har_stream import __version__
from har_stream.annotations import Annotations
from har_stream.closeup import Cursor
from har_stream.live import Live, Row
from har_stream.plausibility import TEXTS
from har_stream.vitals import Vitals
from har_stream.web import labels, readiness

PERIOD_S: Final = 0.2
"""From one event of a page to the next, at least."""
QUIET_S: Final = 1.0
"""After so long without news an empty event says that the connection stands."""
RECONNECT: Final = b"retry: 1000\n\n"

Event = dict[str, Any]


class HasVitals(Protocol):
    """A stream as its pages see it."""

    def vitals(self) -> Vitals:
        """Return how all parts stand."""


class LiveEvents:
    """Gives each page its events; how the stream stands is read once a second, for all pages together."""

    def __init__(
        self,
        live: Live,
        stream: HasVitals,
        *,
        stale_after_s: float,
        now: Callable[[], float] = time.monotonic,
        annotations: Annotations | None = None,
    ) -> None:
        self._live, self._stream, self._stale_after_s, self._now = live, stream, stale_after_s, now
        self._annotations = annotations
        self._lock = Lock()
        self._read_at_s = -QUIET_S
        self._standing: Event = {}
        self._suspected: Event = {}

    def events(self, device: str) -> Generator[bytes, None, None]:
        """Yield events for a page that is open on a device, or on none, for ever."""
        with self._live.look(device):
            yield RECONNECT
            page = _PageState(device)
            sent_s = -QUIET_S
            while True:
                event = self._news(page)
                if event or time.monotonic() - sent_s >= QUIET_S:
                    sent_s = time.monotonic()
                    yield b"data: " + msgspec.json.encode(event) + b"\n\n"
                time.sleep(PERIOD_S)

    def _news(self, page: _PageState) -> Event:
        event: Event = {}
        if page.first:
            event["hello"] = self._hello(page.device)
        generation = self._live.generation
        if page.first or generation != page.generation:
            page.generation, page.mark = generation, 0
        anew = page.mark == 0
        page.mark, rows = self._live.since(page.mark, self._now())
        if rows or page.first:
            event["all" if anew else "some"] = [_row(row) for row in rows]
        closeup = self._live.closeup(page.device, page.cursor) if page.device else None
        if closeup is not None and closeup != page.closeup:
            page.closeup = closeup
            event["one"] = closeup
        for key, value in self._standings().items():
            if page.told.get(key) != value:
                page.told[key] = event[key] = value
        page.first = False
        return event

    def _hello(self, device: str) -> Event:
        framing = self._live.framing
        return {
            "version": __version__,
            "labels": self._live.labels,
            "rate_hz": framing.rate_hz,
            "hop_s": framing.hop / framing.rate_hz,
            "stale_after_s": self._stale_after_s,
            "device": device,
        }

    def _standings(self) -> Event:
        with self._lock:
            if self._now() - self._read_at_s >= QUIET_S:
                self._read_at_s = self._now()
                vitals = self._stream.vitals()
                self._standing = standing(vitals)
                self._suspected = {
                    device: TEXTS[one] for device, one in vitals.stream.suspicions.items() if one in TEXTS
                }
            told = {"stream": self._standing, "suspected": self._suspected}
        return told if self._annotations is None else {**told, "labelled": labels.standing(self._annotations)}


class _PageState:
    """What a page has been told."""

    def __init__(self, device: str) -> None:
        self.device, self.cursor = device, Cursor()
        self.first, self.mark, self.generation = True, 0, 0
        self.closeup: Event = {}
        self.told: Event = {}


def standing(vitals: Vitals) -> Event:
    """Return how a stream stands, ready for JSON."""
    books = vitals.stream.books
    return {
        "model": vitals.model.name,
        "reasons": readiness.reasons(vitals),
        "samples_in": books.samples_in,
        "used": books.used,
        "refused": {reason: count for reason, count in books.refused.items() if count},
        "dropped": {reason: count for reason, count in books.dropped.items() if count},
        "bridged": books.bridged,
        "devices": vitals.stream.present.devices,
        "turned_away": vitals.stream.present.refused,
    }


def _row(row: Row) -> tuple[Any, ...]:
    return row.device, row.label, row.shares, round(row.seconds, 1), round(row.age_s, 1)
