"""/api/: the history as JSON, as openapi.json documents it with what labels.py answers.

/api/devices                                    who is in the history
/api/history?device=D&from=T&to=T&limit=N       segments
/api/report?device=D&day=DAY                    the report of a day, or &from=T&to=T
/api/openapi.json                               what all of these take and give
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import asdict
from functools import cache
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qs

from har_stream.day_report import fields_of, report, stretch
from har_stream.errors import ConfigError, HarStreamError
from har_stream.history.store import History, HistoryError
from har_stream.web.answers import JSON, Page, json_page
from har_stream.when import Period, parse_period

OPENAPI: Final = Path(__file__).with_name("openapi.json")
LONGEST_DAYS: Final = 31
"""More than a month is for har-stream report and har-stream history export: who asks here waits for an answer."""
DAY_S: Final = 86_400.0
HOUR_S: Final = 3600.0
UNREADABLE: Final = "the history cannot be read"
"""Why is for the log and the terminal: no path is told."""
MOST_SEGMENTS: Final = 10_000
CONFIDENCE_DECIMALS: Final = 4

Query = dict[str, str]
Fields = dict[str, Any]


class NotThereError(HarStreamError):
    """What was asked for is not there."""


def answer(path: str, query: str, history: Path | None, now_s: float) -> Page:
    """Return the page of a path below /api/ for the history in a file, None where none is kept."""
    if path == "/api/openapi.json":
        return Page(HTTPStatus.OK, JSON, _openapi())
    try:
        return json_page(HTTPStatus.OK, _fields(path, query, history, now_s))
    except NotThereError as error:
        return json_page(HTTPStatus.NOT_FOUND, {"error": str(error)})
    except ConfigError as error:
        return json_page(HTTPStatus.BAD_REQUEST, {"error": str(error)})
    except HistoryError:
        return json_page(HTTPStatus.SERVICE_UNAVAILABLE, {"error": UNREADABLE})


def _fields(path: str, query: str, history: Path | None, now_s: float) -> Fields:
    """Return what is asked for. Raises NotThereError, ConfigError for a faulty question."""
    if path not in ANSWERS:
        raise NotThereError(f"not found; there are {', '.join(ANSWERS)}, /api/labels, /api/openapi.json")
    make, known = ANSWERS[path]
    values = _values(query, known)
    if history is None or not history.exists():
        raise NotThereError("no history is kept: har-stream --sink history:FILE.sqlite")
    try:
        opened = History(history)
    except ConfigError:
        raise HistoryError(UNREADABLE) from None
    with opened:
        return make(opened, values, now_s)


def _devices(history: History, _: Query, __: float) -> Fields:
    return {"devices": [asdict(device) for device in history.devices()]}


def _segments(history: History, query: Query, now_s: float) -> Fields:
    """Return segments: of the last hour, if not told else."""
    period = _period(query, now_s) if query.keys() & {"day", "from", "to"} else Period(now_s - HOUR_S, now_s)
    limit = _limit(query.get("limit", str(MOST_SEGMENTS)))
    found = list(history.segments(query.get("device"), start_s=period.start_s, end_s=period.end_s, limit=limit + 1))
    return {
        "start_s": period.start_s,
        "end_s": period.end_s,
        "truncated": len(found) > limit,
        "segments": [
            {
                "device": one.device,
                "label": one.label,
                **stretch(one),
                "confidence": round(one.confidence, CONFIDENCE_DECIMALS),
            }
            for one in found[:limit]
        ],
    }


def _report(history: History, query: Query, now_s: float) -> Fields:
    known = {one.device: one for one in history.devices()}
    device = query.get("device") or (next(iter(known)) if len(known) == 1 else None)
    if device is None:
        raise ConfigError(f"device: which of {len(known)}? /api/devices lists them")
    if device not in known:
        raise NotThereError("the history knows no such device")
    # A recording that ran faster than life has its own future.
    period = _period(query, now_s).until(max(now_s, known[device].end_s))
    segments = history.segments(device, start_s=period.start_s, end_s=period.end_s)
    return fields_of(report(device, segments, period.start_s, period.end_s))


def _period(query: Query, now_s: float) -> Period:
    period = parse_period(query.get("day"), query.get("from"), query.get("to"), now_s)
    if period.end_s - period.start_s > LONGEST_DAYS * DAY_S:
        raise ConfigError(f"at most {LONGEST_DAYS} days at a time")
    return period


def _limit(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) <= len(str(MOST_SEGMENTS)) and int(text) > 0):
        raise ConfigError(f"limit: a number from 1 to {MOST_SEGMENTS}, not {text!r}")
    return min(int(text), MOST_SEGMENTS)


def _values(query: str, known: Iterable[str]) -> Query:
    """Return what a query asks for. Raises ConfigError for a key that is not known or comes twice."""
    found = parse_qs(query, keep_blank_values=True)
    for key, values in found.items():
        if key not in known:
            raise ConfigError(f"unknown parameter; there are {', '.join(known) or 'none'}")
        if len(values) > 1:
            raise ConfigError(f"{key}: is given twice")
    return {key: values[0] for key, values in found.items() if values[0]}


@cache
def _openapi() -> bytes:
    return OPENAPI.read_bytes()


TIMES: Final = ("day", "from", "to")
ANSWERS: Final[dict[str, tuple[Callable[[History, Query, float], Fields], tuple[str, ...]]]] = {
    "/api/devices": (_devices, ()),
    "/api/history": (_segments, ("device", *TIMES, "limit")),
    "/api/report": (_report, ("device", *TIMES)),
}
"""What makes each answer, and the parameters that it takes."""
