"""The pages by their paths: /healthz, /readyz, /metrics and /api/."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final

from har_stream.sources.source import CONNECTED
from har_stream.vitals import Watched
from har_stream.web import readiness
from har_stream.web.server import Page

HEALTH, READINESS, METRICS, API = "/healthz", "/readyz", "/metrics", "/api/"
TEXT: Final = "text/plain; charset=utf-8"

STUCK_S: Final = 15.0
"""An engine that took no turn for so long does not come back by itself; no tick takes a tenth of it."""
AGE_DECIMALS: Final = 3


class Pages:
    """What is told of a stream."""

    def __init__(self, stream: Watched, *, history: Callable[[], Path | None] = lambda: None) -> None:
        """Tell of a stream, and of the history that it keeps, if any."""
        self._stream, self._history = stream, history

    def __call__(self, path: str, query: str = "") -> Page:
        """Return the page of a path and query."""
        if path.startswith(API):
            from har_stream.web.api import answer  # noqa: PLC0415 - as below

            return answer(path, query, self._history(), time.time())
        if path == HEALTH:
            return self._health()
        if path == READINESS:
            return self._readiness()
        if path == METRICS:
            from har_stream.web.metrics import KIND, exposition  # noqa: PLC0415 - loaded if somebody ever asks for it

            return Page(HTTPStatus.OK, KIND, exposition(self._stream))
        told = f"not found; there are {HEALTH}, {READINESS}, {METRICS}, {API}openapi.json\n"
        return Page(HTTPStatus.NOT_FOUND, TEXT, told.encode())

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
        return _json(told, well=not reasons)

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
        return _json(told, well=not reasons)


def _json(value: dict[str, Any], *, well: bool) -> Page:
    status = HTTPStatus.OK if well else HTTPStatus.SERVICE_UNAVAILABLE
    return Page(status, "application/json", json.dumps(value).encode() + b"\n")
