"""The real stream keeps a history: its report against what people did, a full disk, a kill."""

from __future__ import annotations

import json
import resource
import sqlite3
import subprocess
from collections import Counter
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from har_stream.activities import ACTIVITIES, CODE_BY_NAME, NAME_BY_CODE
from har_stream.daemon import Daemon
from har_stream.datasets import Selection, open_data_set
from har_stream.settings import HistorySettings, Settings
from har_stream.sources.simulator import parse_script
from har_stream.uri import parse_uri
from har_stream.web.api import answer
from har_stream.when import parse_time
from tests.broker import free_port, wait_for
from tests.history_file import read
from tests.http_client import ask, readiness, wait_to_serve
from tests.stream_process import command, environment

BEGIN = "2026-11-24T08:00"
SCRIPT = (
    "laying:60,sitting:20,standing:30,walking:60,sitting:90,standing:30,walking_upstairs:40,walking:30,standing:25,"
    "walking_downstairs:40,sitting:40"
)
LOST_S = 6.0
"""A window and what is settled late, at both ends of a stream."""


def reported(source: str, path: Path, device: str) -> dict[str, Any]:
    """Stream, and ask for the report of the day."""
    kept = HistorySettings(origin=BEGIN)
    assert Daemon(Settings(source=source, sinks=(f"history:{path}",), http="off", history=kept)).run() == 0
    page = answer("/api/report", f"device={device}&day=2026-11-24", path, parse_time("2026-11-25"))
    assert page.status == 200
    told: dict[str, Any] = json.loads(page.body)
    return told


def test_the_report_of_a_simulated_day_is_what_the_script_says(tmp_path: Path) -> None:
    told = reported(f"sim:?speed=max&loop=no&script={SCRIPT}", tmp_path / "h.sqlite", "sim01")
    steps = parse_script(SCRIPT, parse_uri("sim:"))
    script: Counter[str] = Counter()
    for step in steps:
        script[step.activity] += round(step.duration_s)
    # Turns between postures come on top of the script, and are told as what is before or after them.
    assert script.total() - LOST_S < told["data_s"] < script.total() * 1.1
    for activity in ACTIVITIES:
        assert told["activities"][activity]["seconds"] == pytest.approx(script[activity], rel=0.25, abs=10)
    assert told["longest_sitting"]["seconds"] == pytest.approx(90, abs=10)
    assert len(steps) - 1 <= told["changes"] <= len(steps) + 5
    assert told["ribbon"][0]["start_s"] == pytest.approx(parse_time(BEGIN), abs=LOST_S)
    assert told["no_data_s"] == pytest.approx(86_400 - told["data_s"], abs=0.01)


def test_the_report_of_a_recorded_volunteer_is_what_was_noted(hapt_zip: Path, tmp_path: Path) -> None:
    """As far as the model is right: what the labels of the recording say, to a fifth of the recording."""
    (recording, *_) = open_data_set(hapt_zip).recordings(Selection(subjects=frozenset({1})))  # type: ignore[union-attr]
    assert recording.truth is not None
    noted = Counter(NAME_BY_CODE[code] for code in recording.truth.tolist())
    told = reported(f"replay:{hapt_zip}?speed=max&subject=1", tmp_path / "h.sqlite", recording.device)
    length_s = len(recording.values) / recording.rate_hz
    assert length_s - LOST_S < told["data_s"] <= length_s
    for activity in ACTIVITIES:
        # What is between labelled activities is told as one of these.
        least_s = noted[activity] / recording.rate_hz
        assert 0.7 * least_s < told["activities"][activity]["seconds"] < least_s + 0.2 * length_s
    assert read(tmp_path / "h.sqlite")[0].start_s == pytest.approx(parse_time(BEGIN), abs=LOST_S)
    shown = np.zeros(len(recording.truth), np.uint8)
    for part in told["ribbon"]:
        start, stop = (round((part[key] - parse_time(BEGIN)) * recording.rate_hz) for key in ("start_s", "end_s"))
        shown[start:stop] = CODE_BY_NAME.get(part["label"], 0)
    noted_as = np.isin(recording.truth, range(1, len(ACTIVITIES) + 1))
    assert (shown == recording.truth)[noted_as].mean() > 0.95


def test_a_full_disk_costs_labels_and_a_kill_nothing_that_was_committed(tmp_path: Path) -> None:
    path, port, most = tmp_path / "h.sqlite", free_port(), 3000
    line = command(
        *("--source", "sim:?devices=3&script=walking:4,sitting:4&speed=20", "--sink", f"history:{path}"),
        *("--http", f"127.0.0.1:{port}"),
    )
    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    process = subprocess.Popen(
        line,
        env=environment(),
        stderr=subprocess.DEVNULL,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (most, hard)),  # noqa: PLW1509 - no threads here
    )
    try:
        wait_to_serve(port)
        wait_for(lambda: f"history:{path}: cannot be written" in readiness(port)[1]["reasons"], 60)
        wait_for(lambda: dropped(port) > 0)
        resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (hard, hard))
        wait_for(lambda: readiness(port)[0] == 200, 60)
        wait_for(lambda: len(devices(port)) == 3, 60)
        before = read(path)
    finally:
        process.kill()
        process.wait()
    assert all(one in [(row.device, row.start_s, row.label) for row in read(path)] for one in started(before))
    assert {row.label for row in before} <= set(ACTIVITIES)
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def started(rows: list[Any]) -> list[tuple[str, float, str]]:
    return [(row.device, row.start_s, row.label) for row in rows]


def dropped(port: int) -> int:
    lines = ask(port, "/metrics")[1].decode().splitlines()
    return sum(int(float(line.split()[-1])) for line in lines if "dropped" in line and 'sink="history:' in line)


def devices(port: int) -> list[dict[str, Any]]:
    status, body = ask(port, "/api/devices")
    found: list[dict[str, Any]] = json.loads(body)["devices"] if status == 200 else []
    return found
