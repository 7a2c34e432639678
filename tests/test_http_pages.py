"""What the pages tell of a stream, part by part."""

from __future__ import annotations

import json
from dataclasses import replace
from http import HTTPStatus
from pathlib import Path

import pytest

from har_stream.plausibility import TEXTS, Suspicion
from har_stream.vitals import RecordingVitals, Vitals
from har_stream.web.answers import Page
from har_stream.web.pages import STUCK_S, Pages
from tests.watched import READING, WELL, Stream, sink


def answered(pages: Pages, path: str, query: str = "") -> Page:
    answer = pages(path, query)
    assert isinstance(answer, Page)
    return answer


def page(stream: Stream, path: str) -> Page:
    return answered(Pages(stream), path)


def readyz(vitals: Vitals, *, alive: bool = True) -> tuple[int, dict[str, object]]:
    told = page(Stream(vitals, alive=alive), "/readyz")
    return told.status, json.loads(told.body)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"source": "silent for 5 s"}, "source: silent for 5 s"),
        ({"sinks": (sink("jsonl:x", "cannot be written"),)}, "jsonl:x: cannot be written"),
        ({"recording": RecordingVitals("walks cannot be written", 0, 1, 0)}, "record: walks cannot be written"),
        ({"state": "kept/devices.json cannot be written"}, "state: kept/devices.json cannot be written"),
        ({"stream": replace(READING, late=True)}, "engine: does not answer"),
        ({"ending": True}, "the stream is ending"),
    ],
)
def test_each_part_that_fails_makes_it_unready_and_says_why(change: dict[str, object], reason: str) -> None:
    status, told = readyz(replace(WELL, **change))  # type: ignore[arg-type]
    assert (status, told["ready"], told["reasons"], told["suspicions"]) == (503, False, [reason], {})


def test_an_engine_that_has_ended_is_neither_alive_nor_ready() -> None:
    assert page(Stream(WELL, alive=False), "/healthz").status == HTTPStatus.SERVICE_UNAVAILABLE
    assert readyz(WELL, alive=False)[1]["reasons"] == ["engine: has ended"]


def test_samples_that_look_wrong_are_listed_and_do_not_make_it_unready() -> None:
    stream = replace(READING, suspicions={"belt": Suspicion.ACC_MS2})
    status, told = readyz(replace(WELL, stream=stream))
    suspicions = {"belt": TEXTS[Suspicion.ACC_MS2]}
    assert (status, told["ready"], told["reasons"], told["suspicions"]) == (200, True, [], suspicions)


def test_readiness_tells_of_each_part() -> None:
    poor = replace(WELL, source="silent", sinks=(sink("twice:"), sink("twice:", "not connected"), sink("twice:")))
    assert readyz(poor)[1]["parts"] == {
        "model": "ok (sway-lstm)",
        "source": "silent",
        "twice:": "not connected",
        "state": "ok",
        "record": "ok",
    }


def test_pages_pass_over_a_query_that_they_do_not_know() -> None:
    assert answered(Pages(Stream(WELL)), "/readyz", "x=1").status == HTTPStatus.OK


def test_the_api_answers_below_its_path_and_says_where_no_history_is_kept(tmp_path: Path) -> None:
    assert answered(Pages(Stream(WELL)), "/api/openapi.json").status == HTTPStatus.OK
    for pages in (Pages(Stream(WELL)), Pages(Stream(WELL), history=lambda: tmp_path / "absent.sqlite")):
        page = answered(pages, "/api/devices")
        assert page.status == HTTPStatus.NOT_FOUND
        assert "--sink history:" in json.loads(page.body)["error"]


def healthz(stream: Stream) -> tuple[int, dict[str, object]]:
    told = page(stream, "/healthz")
    return told.status, json.loads(told.body)


def test_health_is_that_of_the_engine_whatever_the_source_does() -> None:
    status, told = healthz(Stream(replace(WELL, source="unplugged")))
    assert (status, told["alive"], told["reasons"], told["source"]) == (200, True, [], "unplugged")
    assert healthz(Stream(WELL))[1]["source"] == "connected"


def test_an_engine_that_lives_and_is_stuck_is_not_healthy() -> None:
    assert healthz(Stream(WELL, beat_age_s=STUCK_S - 5))[0] == 200
    status, told = healthz(Stream(WELL, beat_age_s=100.0))
    assert (status, told["alive"], told["reasons"]) == (503, False, ["engine: stuck for 100 s"])


def test_an_engine_that_has_ended_says_so() -> None:
    assert healthz(Stream(WELL, alive=False))[1]["reasons"] == ["engine: has ended"]


def test_health_asks_the_engine_nothing() -> None:
    class Stuck(Stream):
        def vitals(self) -> Vitals:
            raise AssertionError

    assert healthz(Stuck(WELL))[0] == 200
