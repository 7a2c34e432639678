"""The real process keeps what it learned about a device, however it ends, and takes up a calibration."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from har_stream.classifier import Classifier
from har_stream.manifest import load_manifest, resolve
from har_stream.preprocessing import filter_recording
from har_stream.standings import END_S, RESUME_WITHIN_S, SINCE_S
from har_stream.state import States
from har_stream.state_file import StateFile
from har_stream.upright import Upright
from tests.broker import free_port, wait_for
from tests.motion import RATE_HZ
from tests.stream_process import end, run, running
from tests.test_newcomers_errors import fault
from tests.turned_walk import simulated, worn_turned, write_recording

MODEL = ("--model", "sway-lstm")
HASTY = """
import sys
from har_stream.cli import main
from har_stream.keeper import Keeper
Keeper.__init__.__kwdefaults__["every_s"] = 0.2
sys.exit(main())
"""
"""har-stream with a keeper that writes five times a second."""


@pytest.fixture(scope="module")
def walk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A walk with the device turned by a quarter: the model takes it for lying."""
    return write_recording(tmp_path_factory.mktemp("walk") / "quarter.csv", worn_turned(simulated("walking:40"), 90))


@pytest.fixture(scope="module")
def slant(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A walk after a rest, the device worn a little slanted, as the daemon learns by itself."""
    return write_recording(tmp_path_factory.mktemp("walk") / "slant.csv", simulated("sitting:10,walking:40"))


def options(recording: Path, folder: Path, query: str) -> tuple[str, ...]:
    return (*MODEL, "--source", f"replay:{recording}?{query}", "--state", str(folder))


def lines_until(process: subprocess.Popen[bytes], count: int) -> list[dict[str, Any]]:
    assert process.stdout is not None
    return [json.loads(process.stdout.readline()) for _ in range(count)]


def first_window(recording: Path, kept: States) -> list[float]:
    """What the model says of a recording's first window once what was kept has turned it."""
    folder = resolve("sway-lstm")
    manifest = load_manifest(folder)
    (state,) = kept.values()
    assert manifest.upright is not None
    assert state.upright is not None
    upright = Upright(manifest.upright, rows=1)
    upright.restore(0, state.upright)
    values = np.loadtxt(recording, delimiter=",", skiprows=1, dtype=np.float32)[:, 1:]
    channels = filter_recording(values, manifest.filters, rate_hz=RATE_HZ)
    turned = upright.turn(np.zeros(1, np.intp), channels[np.newaxis, : manifest.framing.window])
    (probabilities,) = Classifier(folder, manifest).probabilities(turned).tolist()
    return list(probabilities[: len(manifest.labels)])


def probabilities_of(line: dict[str, Any]) -> list[float]:
    return list(line["probabilities"].values())


def assert_taken_up(recording: Path, folder: Path, before: dict[str, Any]) -> None:
    """Hold the first window after a restart against what was kept; it was another before."""
    kept = dict(StateFile(folder).read())
    again = run(*options(recording, folder, "speed=max"))
    assert again.code == 0
    expected = first_window(recording, kept)
    assert probabilities_of(again.lines[0]) == pytest.approx(expected, abs=1e-3)
    assert probabilities_of(before) != pytest.approx(expected, abs=1e-2)


def test_after_a_stop_the_reference_holds_from_the_first_window_on(slant: Path, tmp_path: Path) -> None:
    with running(*options(slant, tmp_path, "speed=40&loop=yes")) as process:
        before = lines_until(process, 20)
        assert end(process).code == 0
    assert_taken_up(slant, tmp_path, before[0])


def test_after_a_kill_the_file_holds_what_was_known_shortly_before(slant: Path, tmp_path: Path) -> None:
    with running(*options(slant, tmp_path, "speed=20&loop=yes"), program=HASTY) as process:
        before = lines_until(process, 20)
        other = StateFile(tmp_path)
        wait_for(lambda: any(one.upright is not None for one in other.read().values()))
        process.kill()
        process.wait()
    assert_taken_up(slant, tmp_path, before[0])


def seconds_in_activity(port: int) -> float:
    """The time in its activity that a page shows of the one device, once it has a label."""
    with socket.create_connection(("127.0.0.1", port), timeout=10) as client:
        client.sendall(b"GET /live HTTP/1.1\r\nHost: localhost\r\n\r\n")
        events = (json.loads(line[6:]) for line in client.makefile("rb") if line.startswith(b"data: "))
        rows = (row for event in events for row in event.get("all", []) + event.get("some", []))
        return next(float(row[3]) for row in rows if row[1] is not None)


def test_after_a_kill_the_time_in_the_activity_goes_on_and_is_not_long_behind(tmp_path: Path) -> None:
    walk = simulated("walking:90")
    (tmp_path / "later").mkdir()
    first = write_recording(tmp_path / "one.csv", walk)
    with running(*options(first, tmp_path / "kept", "speed=10"), program=HASTY) as process:
        told = lines_until(process, 20)
        process.kill()
        process.wait()
    kept = StateFile(tmp_path / "kept").standings.read()
    assert kept.devices == ("one",)
    end_s, since_s = kept.numbers[0, [END_S, SINCE_S]].tolist()
    assert told[-1]["time"] - end_s < RESUME_WITHIN_S
    assert {line["label"] for line in told if line["time"] > since_s - 0.01} == {"walking"}
    later = write_recording(tmp_path / "later" / "one.csv", walk, start_s=told[-1]["time"] + 3.0)
    port = free_port()
    with running(*options(later, tmp_path / "kept", "speed=8"), "--http", f"127.0.0.1:{port}") as process:
        first_line = lines_until(process, 1)[0]
        assert first_line["label"] == "walking"
        assert seconds_in_activity(port) >= first_line["time"] - since_s - 0.1


def test_a_replay_that_is_not_told_to_keeps_and_reads_nothing(slant: Path, tmp_path: Path) -> None:
    words = (*MODEL, "--source", f"replay:{slant}?speed=max")
    first, second = (
        run(*words, HAR_STREAM_STATE=str(tmp_path / "a"), STATE_DIRECTORY=str(tmp_path / "b"), XDG_STATE_HOME="/x")
        for _ in range(2)
    )
    assert first.code == 0
    assert first.output == second.output
    assert list(tmp_path.iterdir()) == []


def test_a_calibrated_device_is_understood_that_was_not_before(walk: Path, tmp_path: Path) -> None:
    words = options(walk, tmp_path, "speed=max")
    assert {line["raw"] for line in run(*words).lines} == {"laying"}
    calibrated = run(*words, "--calibrate", "quarter")
    assert (calibrated.code, calibrated.output[:20]) == (0, b"quarter: calibrated:")
    assert np.mean([line["raw"] == "walking" for line in run(*words).lines]) > 0.9


def test_a_running_daemon_takes_up_a_calibration(walk: Path, tmp_path: Path) -> None:
    with running(*options(walk, tmp_path, "speed=20&loop=yes"), program=HASTY) as process:
        assert {line["raw"] for line in lines_until(process, 10)} == {"laying"}
        assert run(*options(walk, tmp_path, "speed=max"), "--calibrate", "quarter").code == 0
        wait_for(lambda: lines_until(process, 1)[0]["raw"] == "walking")
        assert end(process).code == 0
    assert set(StateFile(tmp_path).read()) == {"quarter"}


def test_calibrating_a_simulated_walker(tmp_path: Path) -> None:
    source = "sim:?devices=2&speed=20&script=standing:10,walking:30"
    ended = run(*MODEL, "--source", source, "--state", str(tmp_path), "--calibrate", "sim02")
    assert ended.code == 0
    assert set(StateFile(tmp_path).read()) == {"sim02"}


def test_a_signal_breaks_a_calibration_off(tmp_path: Path) -> None:
    source = ("--source", "sim:?devices=1&speed=1&script=sitting:100")
    with running(*MODEL, *source, "--state", str(tmp_path), "--calibrate", "sim01") as process:
        assert process.stderr is not None
        assert b"waiting for sim01" in process.stderr.readline()
        ended = end(process, signal.SIGINT)
    assert ended.code == 1
    assert "ended before there were ten seconds" in ended.said


def test_faults_are_one_line_each(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    state = ("--source", "sim:", "--state", str(tmp_path / "file"))
    assert "file: " in fault(os.EX_CONFIG, *state)
    assert "file: not a folder" in fault(os.EX_CONFIG, "check", *state)
    assert "give --state FOLDER" in fault(os.EX_CONFIG, *MODEL, "--source", "sim:", "--calibrate", "sim01")
    kept = ("--source", "sim:", "--state", str(tmp_path / "kept"))
    said = fault(os.EX_CONFIG, *kept, "--model", "seed-lstm", "--calibrate", "sim01")
    assert "give --model light-lstm or sway-lstm" in said


def test_a_damaged_file_stops_nothing(slant: Path, tmp_path: Path) -> None:
    (tmp_path / "devices.json").write_bytes(b'{"format":1,"sha256":"')
    ended = run(*options(slant, tmp_path, "speed=max"))
    assert ended.code == 0
    assert ended.said.count("set aside as devices.json.damaged") == 1
    assert "slant" in StateFile(tmp_path).read()
