"""har-stream history export, history erase and report."""

from __future__ import annotations

import csv
import os
import stat
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from har_stream.cli import main
from har_stream.segments import Segment
from har_stream.when import parse_time
from tests.history_file import read, write

NOON_S = parse_time("2026-11-24T12:00")
UTC_NOON_S = parse_time("2026-11-24T12:00+00:00")
WATCH = [
    Segment("watch", "sitting", NOON_S, NOON_S + 90, 0.91239),
    Segment("watch", "walking", NOON_S + 90, NOON_S + 100.5, 0.8),
]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "history.sqlite"
    write(path, *WATCH, Segment("belt", "standing", UTC_NOON_S, UTC_NOON_S + 1.25, 0.5))
    return path


def said(capsys: pytest.CaptureFixture[str], *words: str | Path, code: int = 0) -> str:
    assert main([str(word) for word in words]) == code
    out, error = capsys.readouterr()
    return error if code else out


def test_csv(path: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    out = said(capsys, "history", "export", "--history", path)
    header, belt, *watch = csv.reader(out.splitlines())
    assert header == ["device", "start", "end", "seconds", "label", "confidence"]
    times = ["2026-11-24T12:00:00.000+00:00", "2026-11-24T12:00:01.250+00:00"]
    assert belt == ["belt", *times, "1.25", "standing", "0.5"]
    assert [row[4:] for row in watch] == [["sitting", "0.9124"], ["walking", "0.8"]]
    file = tmp_path / "out.csv"
    said(
        capsys,
        "history",
        "export",
        "--history",
        path,
        "--device",
        "watch",
        "--to",
        "2026-11-24T12:01",
        "--output",
        file,
    )
    assert [line.split(",")[0] for line in file.read_text().splitlines()] == ["device", "watch"]
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_parquet(path: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    file = tmp_path / "out.parquet"
    said(capsys, "history", "export", "--history", path, "--format", "parquet", "--output", file)
    rows = pq.read_table(file).to_pylist()
    assert [row["device"] for row in rows] == ["belt", "watch", "watch"]
    assert rows[0]["start"].timestamp() == UTC_NOON_S
    assert rows[1] | {"start": 0, "end": 0, "device": 0} == {
        "device": 0,
        "start": 0,
        "end": 0,
        "seconds": 90.0,
        "label": "sitting",
        "confidence": 0.91239,
    }


def test_an_empty_history_exports_its_header(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(tmp_path / "empty.sqlite")
    assert said(capsys, "history", "export", "--history", tmp_path / "empty.sqlite").count("\n") == 1
    file = tmp_path / "out.parquet"
    said(capsys, "history", "export", "--history", tmp_path / "empty.sqlite", "--format", "parquet", "--output", file)
    assert pq.read_table(file).num_rows == 0


def test_erase(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert said(capsys, "history", "erase", "--history", path, "watch") == "erased watch: 2 segments\n"
    assert [one.device for one in read(path)] == ["belt"]
    assert b"watch" not in path.read_bytes()
    assert "no device 'watch'" in said(capsys, "history", "erase", "--history", path, "watch", code=os.EX_CONFIG)


def test_report_on_the_terminal_and_in_files(path: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    words = ("report", "--history", path, "--device", "watch", "--day", "2026-11-24")
    out = said(capsys, *words)
    assert "watch on Tuesday, 2026-11-24" in out
    assert "1 min 30 s, 12:00 to 12:01" in out
    said(capsys, *words, "--html", tmp_path / "day.html")
    assert "1 min 30 s" in (tmp_path / "day.html").read_text()
    said(capsys, *words, "--png", tmp_path / "day.png")
    assert (tmp_path / "day.png").read_bytes().startswith(b"\x89PNG")
    assert {stat.S_IMODE((tmp_path / name).stat().st_mode) for name in ("day.html", "day.png")} == {0o600}


def test_the_history_is_that_of_the_configuration(
    path: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    config = tmp_path / "a.toml"
    config.write_text(f'sinks = ["stdout:", "history:{path}"]\n')
    assert said(capsys, "history", "export", "--config", config).count("\n") == 4


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("report",), "which history? give --history FILE"),
        (("report", "--history", "{}.absent"), "no such file"),
        (("report", "--history", "{}"), "which device? --device one of belt, watch"),
        (("report", "--history", "{}", "--device", "wach"), "no device 'wach' (did you mean 'watch'?)"),
        (("report", "--history", "{}", "--device", "watch", "--day", "noday"), "no day such as"),
        (("report", "--history", "{}", "--html", "a", "--png", "b"), "not allowed with"),
        (("history", "export", "--history", "{}", "--from", "noon"), "no time such as"),
        (("history", "erase", "--history", "{}", "nobody"), "the history knows no device"),
    ],
)
def test_faults_are_one_line(path: Path, capsys: pytest.CaptureFixture[str], words: tuple[str, ...], told: str) -> None:
    error = said(capsys, *(word.format(path) for word in words), code=os.EX_CONFIG)
    assert told in error
    assert error.count("\n") == 1


@pytest.mark.parametrize("missing", ["pyarrow", "matplotlib.figure"])
def test_an_extra_that_is_missing_is_named(
    path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, missing: str
) -> None:
    monkeypatch.setitem(sys.modules, missing, None)
    export = ("history", "export", "--history", path, "--format", "parquet", "--output", tmp_path / "x")
    picture = ("report", "--history", path, "--device", "watch", "--png", tmp_path / "x")
    error = said(capsys, *(export if missing == "pyarrow" else picture), code=os.EX_CONFIG)
    assert "pip install" in error
