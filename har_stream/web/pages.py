"""What is answered by path: the live page and its events, /healthz, /readyz, /metrics and /api/."""

from __future__ import annotations

import time
from collections.abc import Callable
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qs

from har_stream.sources.source import CONNECTED
from har_stream.vitals import Watched
from har_stream.web import labels, readiness
from har_stream.web.answers import LABELS, TEXT, EventStream, Page, json_page
from har_stream.web.assets import INDEX, asset
from har_stream.web.live_events import LiveEvents

if TYPE_CHECKING:
    from har_stream.annotations import Annotations

HEALTH, READINESS, METRICS, EVENTS, API = "/healthz", "/readyz", "/metrics", "/live", "/api/"

DEVICE: Final = "device"
NO_PAGE: Final = b"no live page with --workers: each has devices of its own; there are /readyz, /metrics and /api/\n"
NO_LABELS: Final = "labels cannot be given with --workers: each has devices and recordings of its own"

STUCK_S: Final = 15.0
"""An engine that took no turn for so long does not come back by itself; no tick takes a tenth of it."""
AGE_DECIMALS: Final = 3


class Pages:
    """What is told of a stream, and of its devices to pages that read events."""

    def __init__(
        self,
        stream: Watched,
        events: LiveEvents | None = None,
        *,
        history: Callable[[], Path | None] = lambda: None,
        annotations: Annotations | None = None,
    ) -> None:
        """Tell of a stream, its devices as they are, the history that it keeps, if any, and what people say of it."""
        self._stream, self._events, self._history, self._annotations = stream, events, history, annotations

    def __call__(self, path: str, query: str = "") -> Page | EventStream:
        """Return the page of a path and query, or the events of the device that the query names."""
        if path.startswith(API):
            return self._api(path, query)
        if path == HEALTH:
            return self._health()
        if path == READINESS:
            return self._readiness()
        if path == METRICS:
            from har_stream.web.metrics import KIND, exposition  # noqa: PLC0415 - loaded if somebody ever asks for it

            return Page(HTTPStatus.OK, KIND, exposition(self._stream))
        if path == EVENTS and self._events is not None:
            return EventStream(self._events.events(parse_qs(query).get(DEVICE, [""])[0]))
        return self._file(path)

    def _file(self, path: str) -> Page:
        """Return the live page or one of its parts, where there are devices that it could show."""
        if path == INDEX and self._events is None:
            return Page(HTTPStatus.OK, TEXT, NO_PAGE)
        told = f"not found; there are /, {HEALTH}, {READINESS}, {METRICS}, {API}openapi.json\n".encode()
        return asset(path) or Page(HTTPStatus.NOT_FOUND, TEXT, told)

    def post(self, path: str, body: bytes) -> Page:
        """Take what is posted to a path, and return what is to be said of it."""
        if path != LABELS:
            return Page(HTTPStatus.METHOD_NOT_ALLOWED, TEXT, b"only labels can be written\n", (("Allow", "GET, HEAD"),))
        if self._annotations is None:
            return json_page(HTTPStatus.CONFLICT, {"error": NO_LABELS})
        return labels.write(self._annotations, body)

    def _api(self, path: str, query: str) -> Page:
        if path == LABELS:
            if self._annotations is None:
                return json_page(HTTPStatus.OK, {"recording": False, "reason": NO_LABELS, "labels": []})
            return labels.read(self._annotations)
        from har_stream.web.api import answer  # noqa: PLC0415 - loaded if somebody ever asks for it

        return answer(path, query, self._history(), time.time())

    def _health(self) -> Page:
        """Tell whether a restart would help; asks the engine nothing, which may be stuck."""
        age_s = max(0.0, time.monotonic() - self._stream.engine_beat_s)
        reasons = self._engine(age_s)
        told = {
            "alive": not reasons,
            "reasons": reasons,
            "engine_beat_age_s": round(age_s, AGE_DECIMALS),
            "source": self._stream.source_condition or CONNECTED,
        }
        return json_page(_status(reasons), told)

    def _engine(self, age_s: float) -> list[str]:
        if not self._stream.alive:
            return ["engine: has ended"]
        return [f"engine: stuck for {age_s:.0f} s"] if age_s > STUCK_S else []

    def _readiness(self) -> Page:
        vitals = self._stream.vitals()
        reasons = readiness.reasons(vitals)
        if not self._stream.alive:
            reasons.append("engine: has ended")
        told = {
            "ready": not reasons,
            "reasons": reasons,
            "parts": readiness.parts(vitals),
            "suspicions": readiness.suspicions(vitals),
        }
        return json_page(_status(reasons), told)


def _status(reasons: list[str]) -> HTTPStatus:
    return HTTPStatus.SERVICE_UNAVAILABLE if reasons else HTTPStatus.OK
