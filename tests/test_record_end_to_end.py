"""The real command records, dies, meets a full disk, and its recordings replay."""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from har_stream.datasets import read_recording
from tests.stream_process import books, command, end, environment, run, running

LIVE = "sim:?devices=3&script=walking:5,sitting:3,standing:4&speed=2"
LOST_AT_MOST_S = 1.0


def lines_by_person(lines: list[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    """The labels of each device, without its id, by the part of it before the first _."""
    people: dict[str, list[dict[str, Any]]] = {}
    for line in lines:
        del line["id"]
        people.setdefault(line.pop("device").partition("_")[0], []).append(line)
    return people


@pytest.mark.parametrize("speed", ["max", "20"])
def test_a_recorded_run_replays_to_the_same_lines(tmp_path: Path, speed: str) -> None:
    source = f"sim:?devices=3&script=walking:30,sitting:20,laying:30&loop=no&speed={speed}"
    live = run("--source", source, HAR_STREAM_RECORD=str(tmp_path / "walks"))
    assert live.code == 0
    told = f"record: {tmp_path / 'walks'}: {books(live.said)['in']} samples recorded in 3 files, 0 not recorded"
    assert told in live.said
    again = run("--source", f"replay:{tmp_path / 'walks'}?speed=max")
    assert lines_by_person(again.lines) == lines_by_person(live.lines)


def test_a_process_that_is_killed_loses_less_than_a_second(tmp_path: Path) -> None:
    folder = tmp_path / "walks"
    with running("--source", LIVE, "--record", str(folder)) as process:
        assert process.stdout is not None
        for _ in range(12):
            line = json.loads(process.stdout.readline())
        time.sleep(0.3)
        process.kill()
        process.wait()
    for path in sorted(folder.iterdir()):
        last_s = (len(read_recording(path).values) - 1) / 50
        assert last_s >= line["time"] - 2 * LOST_AT_MOST_S  # at twice the speed
    assert run("--source", f"replay:{folder}?speed=max").code == 0


def test_a_torn_recording_replays_with_a_warning(tmp_path: Path) -> None:
    run("--source", "sim:?script=walking:30&loop=no&speed=max", "--record", str(tmp_path))
    (path,) = tmp_path.iterdir()
    path.write_bytes(path.read_bytes()[:-1000])
    ended = run("--source", f"replay:{path}?speed=max")
    assert ended.code == 0
    assert len(ended.lines) > 10
    assert ended.said.count("WARNING") == ended.said.count("its end is torn off") == 1


def test_where_the_disk_is_full_labels_go_on(tmp_path: Path) -> None:
    most = 20_000
    process = subprocess.Popen(
        command("--source", LIVE, "--record", str(tmp_path)),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment(),
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (most, most)),  # noqa: PLW1509 - no threads here
    )
    assert process.stdout is not None
    for _ in range(45):
        assert json.loads(process.stdout.readline())["label"]
    ended = end(process)
    assert ended.code == 0
    assert "Traceback" not in ended.said
    assert ended.said.count("File too large; samples are not recorded until it can be written") == 1
    told = next(line for line in ended.said.splitlines() if "not recorded" in line and "in 3 files" in line)
    recorded, lost = (int(told.split(word)[0].split()[-1]) for word in (" samples recorded", " not recorded"))
    assert lost > 0
    assert recorded + lost == books(ended.said)["in"] - books(ended.said)["dropped"]
    assert recorded == sum(len(read_recording(path).values) for path in tmp_path.iterdir())


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_a_recording_whole(tmp_path: Path, number: int) -> None:
    with running("--source", LIVE, "--record", str(tmp_path)) as process:
        assert process.stdout is not None
        process.stdout.readline()
        ended = end(process, number)
    assert ended.code == 0
    assert " 0 not recorded" in ended.said
    samples = sum(len(read_recording(path).values) for path in tmp_path.iterdir())
    assert samples == books(ended.said)["in"] - books(ended.said)["dropped"]
    assert "torn" not in run("--source", f"replay:{tmp_path}?speed=max").said


def test_a_data_set_of_windows_is_told_once(small_uci: Path, tmp_path: Path) -> None:
    ended = run("--source", f"replay:{small_uci}?speed=max", "--record", str(tmp_path))
    assert ended.code == 0
    assert ended.said.count("ready-made windows (UCI HAR) hold no raw samples and are not recorded") == 1
    assert list(tmp_path.iterdir()) == []


def test_nothing_is_recorded_unless_asked_for(tmp_path: Path) -> None:
    ended = run("--source", "sim:?script=walking:10&loop=no&speed=max", HOME=str(tmp_path))
    assert "record" not in ended.said
    assert list(tmp_path.rglob("*.csv*")) == []


@pytest.mark.parametrize("command_name", ["run", "check"])
def test_a_folder_that_cannot_be_stops_the_start(tmp_path: Path, command_name: str) -> None:
    (tmp_path / "file").touch()
    ended = run(command_name, "--source", "sim:", "--record", str(tmp_path / "file"))
    assert ended.code == os.EX_CONFIG
    assert f"har-stream: record: {tmp_path / 'file'}: {tmp_path / 'file'} is no folder" in ended.said


def test_training_needs_labels_and_says_so_in_one_line(tmp_path: Path) -> None:
    path = tmp_path / "phone.csv"
    rows = [f"{at / 50},1,0,0,0,0,0" for at in range(200)]
    path.write_text("\n".join(["time_s,acc_x_g,acc_y_g,acc_z_g,gyro_x_rads,gyro_y_rads,gyro_z_rads", *rows, ""]))
    ended = run("prepare", "--data", str(path), "--out", str(tmp_path / "x.npz"), module="training.cli")
    assert ended.code == os.EX_NOINPUT
    assert len(ended.said.splitlines()) == 1
    assert "no sample in it is labelled" in ended.said
