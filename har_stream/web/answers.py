"""What the server answers with: a page, or a stream of events that goes on for as long as somebody reads it."""

from __future__ import annotations

import json
from collections.abc import Generator
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final

EVENTS: Final = "text/event-stream"
TEXT: Final = "text/plain; charset=utf-8"
JSON: Final = "application/json"
LABELS: Final = "/api/labels"
"""Where labels are read and written, by the page and by har-stream label."""


@dataclass(frozen=True, slots=True)
class Page:
    """An answer; headers are those beside what every answer has."""

    status: HTTPStatus
    kind: str
    body: bytes
    headers: tuple[tuple[str, str], ...] = ()


def json_page(status: HTTPStatus, fields: dict[str, Any]) -> Page:
    """Return an answer in JSON, a line."""
    return Page(status, JSON, json.dumps(fields).encode() + b"\n")


@dataclass(frozen=True, slots=True)
class EventStream:
    """Server-sent events, each with its empty line; closed when the reader has gone."""

    events: Generator[bytes, None, None]


POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
HEADERS: Final = (
    ("Cache-Control", "no-store"),
    ("X-Content-Type-Options", "nosniff"),
    ("Referrer-Policy", "no-referrer"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
    ("Content-Security-Policy", POLICY),
)
"""Of every answer: nothing that came off the wire can run in a page, or bring another to ours."""
