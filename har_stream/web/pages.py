"""The pages by their paths: /healthz, /readyz and /metrics."""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import Any, Final

from har_stream.vitals import Watched
from har_stream.web import readiness
from har_stream.web.server import Page

HEALTH, READINESS, METRICS = "/healthz", "/readyz", "/metrics"
TEXT: Final = "text/plain; charset=utf-8"


class Pages:
    """What is told of a stream."""

    def __init__(self, stream: Watched) -> None:
        self._stream = stream

    def __call__(self, path: str) -> Page:
        """Return the page of a path."""
        if path == HEALTH:
            alive = self._stream.alive
            return _json({"alive": alive}, well=alive)
        if path == READINESS:
            return self._readiness()
        if path == METRICS:
            from har_stream.web.metrics import KIND, exposition  # noqa: PLC0415 - loaded if somebody ever asks for it

            return Page(HTTPStatus.OK, KIND, exposition(self._stream.vitals()))
        return Page(HTTPStatus.NOT_FOUND, TEXT, f"not found; there are {HEALTH}, {READINESS}, {METRICS}\n".encode())

    def _readiness(self) -> Page:
        vitals = self._stream.vitals()
        reasons = readiness.reasons(vitals)
        if not self._stream.alive:
            reasons.append("engine: has ended")
        told = {"ready": not reasons, "reasons": reasons, "suspicions": readiness.suspicions(vitals)}
        return _json(told, well=not reasons)


def _json(value: dict[str, Any], *, well: bool) -> Page:
    status = HTTPStatus.OK if well else HTTPStatus.SERVICE_UNAVAILABLE
    return Page(status, "application/json", json.dumps(value).encode() + b"\n")
