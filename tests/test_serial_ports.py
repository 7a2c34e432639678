"""The list of ports: what is plugged in, by names that last; and the udev rule that gives some."""

from __future__ import annotations

import re
from pathlib import Path
from types import SimpleNamespace

import pytest
from serial.tools import list_ports

from har_stream.cli import main
from har_stream.sources import serial_ports
from har_stream.sources.serial_ports import PortInfo, path_of, ports

RULES = Path(serial_ports.__file__).parents[1] / "deploy" / "99-har-stream.rules"


@pytest.fixture
def by_id(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine with an FTDI cable, a board that has no serial number, and a port with nothing behind it."""
    links = tmp_path / "by-id"
    links.mkdir()
    (tmp_path / "ttyUSB0").touch()
    (links / "usb-FTDI_A1-if00").symlink_to(tmp_path / "ttyUSB0")
    plugged = [
        SimpleNamespace(device=str(tmp_path / "ttyUSB0"), serial_number="A1", description="FT232R", hwid="USB"),
        SimpleNamespace(device=str(tmp_path / "ttyACM0"), serial_number=None, description="Uno", hwid="USB"),
        SimpleNamespace(device="/dev/ttyS0", serial_number=None, description="n/a", hwid="n/a"),
    ]
    monkeypatch.setattr(list_ports, "comports", lambda: plugged)
    return links


def test_what_is_plugged_in_is_listed_with_the_names_that_last(by_id: Path, tmp_path: Path) -> None:
    assert ports(by_id) == [
        PortInfo(str(tmp_path / "ttyACM0"), "", "", "Uno"),
        PortInfo(str(tmp_path / "ttyUSB0"), "usb-FTDI_A1-if00", "A1", "FT232R"),
    ]


def test_a_port_is_found_by_its_serial_number(by_id: Path, tmp_path: Path) -> None:
    assert path_of("A1", by_id) == str(tmp_path / "ttyUSB0")


@pytest.mark.usefixtures("by_id")
def test_the_list_tells_what_to_write_behind_serial(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["ports"]) == 0
    told = capsys.readouterr().out
    assert f"{tmp_path}/ttyUSB0  serial:A1  FT232R" in told
    assert f"{tmp_path}/ttyACM0  serial:{tmp_path}/ttyACM0  Uno" in told


def test_a_machine_without_ports_says_so(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(list_ports, "comports", list)
    assert main(["ports"]) == 1
    assert capsys.readouterr().err == "no serial port found\n"


def test_every_line_of_the_udev_rule_is_one() -> None:
    pair = r'(ACTION|SUBSYSTEM|GROUP|MODE|GOTO|LABEL|SYMLINK|ENV\{\w+\}|IMPORT\{builtin\})(==|!=|\+=|=)"[^"]*"'
    lines = [line for line in RULES.read_text().splitlines() if line and not line.startswith("#")]
    assert all(re.fullmatch(f"{pair}(, {pair})*", line) for line in lines)
    assert any('GROUP="dialout"' in line for line in lines)
    jumps = {name for line in lines for name in re.findall(r'GOTO="(\w+)"', line)}
    assert jumps == {name for line in lines for name in re.findall(r'LABEL="(\w+)"', line)}
