"""Calibrating: what is kept, what stops it, and what others kept stays."""

from __future__ import annotations

import os
from pathlib import Path
from threading import Event

import pytest

from har_stream import calibrator
from har_stream.calibrator import Calibrator
from har_stream.errors import ConfigError
from har_stream.settings import Settings
from har_stream.state import DeviceState
from har_stream.state_file import StateFile
from har_stream.upright import UprightState

WALKS = "sim:?devices=3&speed=max&loop=no&script=sitting:10,walking:30"
OTHER = DeviceState(UprightState((0.0, 0.0, 1.0), 9))


def make(folder: Path | None, device: str = "sim02", source: str = WALKS, model: str = "sway-lstm") -> Calibrator:
    return Calibrator(Settings(source=source, model=model), device, Event(), state=folder)


def test_the_direction_is_kept_beside_what_is_kept_of_others(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    StateFile(tmp_path).write({"sim02": OTHER, "sim03": OTHER})
    one = make(tmp_path)
    assert one.run() == 0
    assert not one.hangs
    kept = StateFile(tmp_path).read()
    assert set(kept) == {"sim02", "sim03"}
    assert kept["sim03"] == OTHER
    upright = kept["sim02"].upright
    assert upright is not None
    assert upright.gravity[0] > 0.8
    assert upright.windows == 200
    said = capsys.readouterr()
    assert said.out.startswith("sim02: calibrated: its signals will be turned by ")
    assert len(said.out.splitlines()) == 1
    assert [line.partition("(")[0] for line in said.err.splitlines()] == [
        "har-stream: waiting for sim02",
        "har-stream: sim02: walk ten seconds, as you usually do; better a little longer than too short",
    ]


@pytest.mark.parametrize(
    ("source", "fault"),
    [
        ("sim:?devices=2&speed=max&script=sitting:100", "no 10 s of walking within 60 s"),
        ("sim:?devices=2&speed=max&loop=no&script=walking:8", "ended before there were ten seconds"),
    ],
)
def test_without_a_walk_nothing_is_kept(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], source: str, fault: str
) -> None:
    assert make(tmp_path, source=source).run() == 1
    assert StateFile(tmp_path).read() == {}
    said = capsys.readouterr()
    assert said.out == ""
    assert fault in said.err.splitlines()[-1]


def test_a_device_that_does_not_send_is_told_with_those_that_do(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(calibrator, "WAIT_S", 0.5)
    one = make(tmp_path, device="phone", source="sim:?devices=2&speed=10")
    assert one.run() == 1
    assert not one.hangs
    assert "phone: no motion came from it for 0.5 s (from sim01, sim02): does it send?" in capsys.readouterr().err


def test_a_source_that_fails_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    one = make(tmp_path)

    def breaks_off(_: object) -> object:
        raise RuntimeError("unplugged")

    monkeypatch.setattr(one._source, "blocks", breaks_off)  # noqa: SLF001 - the fault is put where no input can bring it
    assert one.run() == 1
    assert "failed: RuntimeError('unplugged')" in capsys.readouterr().err


def test_a_full_disk_is_told_and_fails(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    one = make(tmp_path)

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    assert one.run() == 1
    assert f"{tmp_path / 'devices.json'}: No space left on device" in capsys.readouterr().err


def test_windows_that_are_never_turned_are_not_calibrated(
    tmp_path: Path, uci_zip: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert make(tmp_path, device="subject01", source=f"replay:{uci_zip}?speed=max").run() == 1
    assert "windows made elsewhere, which are never turned" in capsys.readouterr().err


def test_what_cannot_be_calibrated_is_a_fault_of_the_configuration(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"give --state FOLDER"):
        make(None)
    with pytest.raises(ConfigError, match=r"'a b' is no device id"):
        make(tmp_path, device="a b")
    with pytest.raises(ConfigError, match=r"seed-lstm takes no upright .*; give --model light-lstm or sway-lstm"):
        make(tmp_path, model="seed-lstm")
    assert list(tmp_path.iterdir()) == []
