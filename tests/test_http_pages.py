"""What the pages tell of a stream, part by part."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from http import HTTPStatus

import pytest

from har_stream.accounting import Books
from har_stream.latency import Distribution
from har_stream.plausibility import TEXTS, Suspicion
from har_stream.presence import Present
from har_stream.vitals import ModelVitals, QueueVitals, Reading, RecordingVitals, SinkVitals, Vitals
from har_stream.web.metrics import exposition
from har_stream.web.pages import Pages
from tests.http_client import Metrics


def sink(name: str, condition: str = "", written: int = 4, dropped: int = 0) -> SinkVitals:
    """A sink by which a label waits, and that had three within 0.1 s and one later."""
    return SinkVitals(name, condition, written, dropped, 1, 10, Distribution((0.1, 1.0), (3, 0, 1), 5.5))


READING = Reading(
    Books(samples_in=100, used=60, refused={"not_finite": 5, "late": 1}, dropped={"gap": 4}, bridged=2),
    buffered=30,
    present=Present(streaming=1, suspicious=1, stale=2, refused=3),
    suspicions={},
    labels={"walking": 3, "unknown": 1},
    inference=Distribution((0.001, 0.01), (3, 1, 0), 0.004),
)
WELL = Vitals(
    model=ModelVitals("sway-lstm", "onnx", "ab12", ("walking", "sitting")),
    ending=False,
    stream=READING,
    max_devices=64,
    source="",
    reconnects=0,
    queues=(QueueVitals("blocks", 7, 10_000),),
    sinks=(sink("stdout:"),),
    recording=RecordingVitals("", 90, 10, 2),
    state="",
)


class Stream:
    """A stream that stands as a test says."""

    def __init__(self, vitals: Vitals, *, alive: bool = True, beat_age_s: float = 0.0) -> None:
        self.alive, self._vitals = alive, vitals
        self.engine_beat_s = time.monotonic() - beat_age_s
        self.source_condition = vitals.source

    def vitals(self) -> Vitals:
        return self._vitals


def readyz(vitals: Vitals, *, alive: bool = True) -> tuple[int, dict[str, object]]:
    page = Pages(Stream(vitals, alive=alive))("/readyz")
    return page.status, json.loads(page.body)


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
    assert Pages(Stream(WELL, alive=False))("/healthz").status == HTTPStatus.SERVICE_UNAVAILABLE
    assert readyz(WELL, alive=False)[1]["reasons"] == ["engine: has ended"]


def test_samples_that_look_wrong_are_listed_and_do_not_make_it_unready() -> None:
    stream = replace(READING, suspicions={"belt": Suspicion.ACC_MS2})
    status, told = readyz(replace(WELL, stream=stream))
    suspicions = {"belt": TEXTS[Suspicion.ACC_MS2]}
    assert (status, told["ready"], told["reasons"], told["suspicions"]) == (200, True, [], suspicions)


def test_every_counter_of_the_books_is_told() -> None:
    told = Metrics(exposition(Stream(WELL)))
    assert told.get("samples_in_total") == 100
    assert told.get("samples_total", outcome="used", reason="") == 60
    assert told.get("samples_total", outcome="refused", reason="not_finite") == 5
    assert told.get("samples_total", outcome="dropped", reason="gap") == 4
    assert told.get("samples_buffered") == 30
    assert told.get("samples_bridged_total") == 2
    assert told.get("windows_total") == 4
    assert told.get("predictions_total", label="walking") == 3
    assert told.get("recording_samples_total", outcome="lost") == 10
    assert told.get("recording_failing") == 0


def test_a_sinks_name_that_is_no_text_and_two_of_one_name_break_no_scrape() -> None:
    odd = sink('jsonl:\udcff\n"x', "", 2, 1)
    told = Metrics(exposition(Stream(replace(WELL, sinks=(odd, odd), recording=None))))
    assert told.get("sink_labels_total", sink='jsonl:?\n"x', outcome="written") == 4
    assert told.total("recording_failing") == 0
