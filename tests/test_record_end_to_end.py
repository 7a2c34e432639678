"""The real command records, dies, meets a full disk, and its recordings replay."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

import pytest

from har_stream.datasets import read_recording
from tests.stream_process import books, end, run, running

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
