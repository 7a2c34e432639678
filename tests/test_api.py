"""/api/: what is asked, what is answered, and that the document says so."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from openapi_spec_validator import validate

from har_stream.segments import Segment
from har_stream.web import api
from har_stream.web.answers import LABELS
from har_stream.web.api import ANSWERS, OPENAPI, answer
from tests.history_file import write

NOON_S = datetime(2026, 11, 24, 12).timestamp()  # noqa: DTZ001 - days are local
DOCUMENT = json.loads(OPENAPI.read_bytes())


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("api") / "history.sqlite"
    write(
        path,
        Segment("watch", "sitting", NOON_S - 7200, NOON_S - 3600, 0.91239),
        Segment("watch", "walking", NOON_S - 3600, NOON_S - 600, 0.8),
        Segment("watch", "laying", NOON_S - 40 * 86_400, NOON_S - 40 * 86_400 + 5, 0.8),
        Segment("belt", "cycling", NOON_S - 90_000, NOON_S - 89_000, 0.5),
    )
    return path


def ask(path: Path | None, target: str) -> tuple[int, dict[str, Any]]:
    """Ask, and hold the answer against the document."""
    where, _, query = target.partition("?")
    page = answer(where, query, path, NOON_S)
    fields: dict[str, Any] = json.loads(page.body)
    if where in DOCUMENT["paths"]:
        told = DOCUMENT["paths"][where]["get"]["responses"][str(int(page.status))]
        schema = {**told["content"]["application/json"]["schema"], "components": DOCUMENT["components"]}
        Draft202012Validator(schema).validate(fields)
    assert page.kind == "application/json"
    return page.status, fields


def test_the_document_is_lawful_and_tells_of_all_there_is(path: Path) -> None:
    validate(DOCUMENT)
    assert ask(path, "/api/openapi.json") == (200, DOCUMENT)
    assert set(DOCUMENT["paths"]) == {*ANSWERS, LABELS}
    for where, (_, known) in ANSWERS.items():
        assert [one["name"] for one in DOCUMENT["paths"][where]["get"]["parameters"]] == list(known)


def test_the_document_would_tell_an_answer_that_is_not_as_it_says() -> None:
    schema = {"$ref": "#/components/schemas/Report", "components": DOCUMENT["components"]}
    assert not Draft202012Validator(schema).is_valid({"device": "watch"})


def test_devices(path: Path) -> None:
    status, told = ask(path, "/api/devices")
    assert (status, [one["device"] for one in told["devices"]]) == (200, ["belt", "watch"])
    assert told["devices"][1]["segments"] == 3


def test_segments_of_the_last_hour_of_a_day_and_of_a_span(path: Path) -> None:
    status, told = ask(path, "/api/history")
    assert (status, [one["label"] for one in told["segments"]], told["truncated"]) == (200, ["walking"], False)
    told = ask(path, "/api/history?day=today&device=watch")[1]
    assert [(one["label"], one["confidence"]) for one in told["segments"]] == [("sitting", 0.9124), ("walking", 0.8)]
    told = ask(path, "/api/history?from=2026-11-20T00:00&limit=1")[1]
    assert ([one["device"] for one in told["segments"]], told["truncated"]) == (["belt"], True)
    assert ask(path, "/api/history?device=nobody&day=today")[1]["segments"] == []


def test_no_answer_is_longer_than_is_said_whatever_is_asked_for(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api, "MOST_SEGMENTS", 1)
    told = ask(path, "/api/history?day=today&limit=9")[1]
    assert (len(told["segments"]), told["truncated"]) == (1, True)


def test_a_month_and_no_more_is_answered_at_a_time(path: Path) -> None:
    begin = "/api/history?from=2026-10-10T00:00Z&to=2026-11-10T00:0"
    assert ask(path, f"{begin}0Z")[0] == 200
    assert ask(path, f"{begin}1Z")[0] == 400


def test_the_report_of_today_ends_now(path: Path) -> None:
    status, told = ask(path, "/api/report?device=watch")
    assert (status, told["end_s"]) == (200, NOON_S)
    assert told["activities"]["sitting"]["minutes"] == 60.0
    assert (told["no_data_s"], told["changes"]) == (12 * 3600 - 6600, 1)
    assert ask(path, "/api/report?device=belt&day=yesterday")[1]["activities"]["cycling"]["seconds"] == 1000.0
    assert ask(path, "/api/report?device=watch&day=yesterday")[1]["data_s"] == 0.0


def test_the_report_of_a_recording_that_ran_ahead_of_time_is_whole(tmp_path: Path) -> None:
    write(tmp_path / "h", Segment("sim01", "sitting", NOON_S, NOON_S + 3600, 0.9))
    told = ask(tmp_path / "h", "/api/report")[1]
    assert (told["activities"]["sitting"]["minutes"], told["end_s"]) == (60.0, NOON_S + 3600)


@pytest.mark.parametrize(
    ("target", "status", "word"),
    [
        ("/api/", 404, "/api/devices"),
        ("/api/report", 400, "which of 2"),
        ("/api/report?device=nobody", 404, "no such device"),
        ("/api/report?device=watch&day=noday", 400, "no day such as"),
        ("/api/report?device=watch&day=today&from=2026-11-24", 400, "not both"),
        ("/api/report?device=watch&from=2026-01-01", 400, "at most 31 days"),
        ("/api/report?device=watch&device=belt", 400, "twice"),
        ("/api/history?limit=0", 400, "limit"),
        ("/api/history?limit=-1", 400, "limit"),
        ("/api/history?limit=99999999999999999999", 400, "limit"),
        ("/api/history?limit=%D9%A1", 400, "limit"),
        ("/api/history?from=%ff%00", 400, "no time such as"),
        ("/api/history?to=2026-11-24", 400, "give from, too"),
        ("/api/history?x=1", 400, "unknown parameter"),
        ("/api/devices?device=watch", 400, "unknown parameter"),
    ],
)
def test_a_faulty_question_is_told(path: Path, target: str, status: int, word: str) -> None:
    found, told = ask(path, target)
    assert (found, list(told)) == (status, ["error"])
    assert word in told["error"]


def test_where_no_history_is_kept_that_is_the_answer(tmp_path: Path) -> None:
    assert ask(None, "/api/devices")[0] == 404
    assert ask(tmp_path / "absent", "/api/report")[0] == 404


def test_a_history_that_is_none_is_told(tmp_path: Path) -> None:
    path = tmp_path / "text"
    path.write_text("no database at all, " * 100)
    status, told = ask(path, "/api/devices")
    assert (status, str(tmp_path) in told["error"]) == (503, False)
