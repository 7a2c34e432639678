"""A serial line: every byte, whatever happens to the port, and a clear word on what is wrong with it."""

from __future__ import annotations

import errno
import logging
import os
import select
import time
from collections.abc import Iterator
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from har_stream.errors import ConfigError
from har_stream.sources import serial_line
from har_stream.sources.serial_line import SerialLine
from har_stream.sources.serial_ports import device_id, lasting_name, path_of, why_not
from har_stream.vigil import Vigil
from tests.broker import wait_for
from tests.serial_listener import Listener
from tests.serial_pair import Plug


@pytest.fixture
def plug(tmp_path: Path) -> Iterator[Plug]:
    one = Plug(tmp_path / "ttyTEST")
    yield one
    one.unplug()


@pytest.fixture
def listener(plug: Plug) -> Iterator[Listener]:
    one = Listener(SerialLine(str(plug.link)))
    yield one
    one.end()


def test_every_byte_comes_through(plug: Plug, listener: Listener) -> None:
    plug.plug()
    listener.connected()
    sent = bytes(range(256)) * 40
    for start in range(0, len(sent), 999):
        plug.send(sent[start : start + 999])
    assert listener.read(len(sent)) == sent


def test_a_port_that_is_not_there_is_waited_for(plug: Plug, listener: Listener) -> None:
    listener.until("not there")
    plug.plug()
    listener.connected()
    plug.send(b"here")
    assert listener.read(4) == b"here"


def test_silence_is_told_and_ends(plug: Plug, listener: Listener, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serial_line, "STALE_S", 0.5)
    plug.plug()
    listener.until("silent")
    monkeypatch.setattr(serial_line, "STALE_S", 60.0)  # else it may be silent again before anybody looks
    plug.send(b"x")
    listener.read(1)
    assert listener.line.condition == "connected"


def test_a_condition_is_told_once(plug: Plug, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        listener = Listener(SerialLine(str(plug.link)))
        listener.until("not there")
        time.sleep(2 * serial_line.RETRY_S)
        plug.plug()
        listener.connected()
        listener.end()
    told = [record.getMessage() for record in caplog.records]
    assert len(told) == 2
    assert told[0] == f"{plug.link}: not there: is it plugged in?"
    assert told[1] == f"{plug.link}: connected"


def test_a_file_is_no_serial_port(tmp_path: Path) -> None:
    (tmp_path / "notes").write_text("no port")
    listener = Listener(SerialLine(str(tmp_path / "notes")))
    listener.until("is no serial port")
    listener.end()


def test_missing_permission_names_the_group(tmp_path: Path) -> None:
    port = tmp_path / "ttyUSB0"
    port.touch()
    told = why_not(str(port), PermissionError(errno.EACCES, "Permission denied"))
    assert "belongs to the group " in told
    assert "sudo usermod -aG" in told
    assert "dialout" in why_not(str(tmp_path / "gone"), PermissionError(errno.EACCES, "Permission denied"))


def test_a_line_needs_a_port() -> None:
    with pytest.raises(ConfigError, match="needs a port"):
        SerialLine("")


def test_a_port_is_found_by_its_lasting_name_and_followed_by_it(tmp_path: Path) -> None:
    by_id = tmp_path / "by-id"
    by_id.mkdir()
    (tmp_path / "ttyUSB0").touch()
    link = by_id / "usb-FTDI_FT232R_A1-if00"
    link.symlink_to(tmp_path / "ttyUSB0")
    assert path_of("usb-FTDI_FT232R_A1-if00", by_id) == str(link)
    assert lasting_name(str(tmp_path / "ttyUSB0"), by_id) == str(link)
    assert lasting_name(str(tmp_path / "other"), by_id) == str(tmp_path / "other")
    assert device_id(str(tmp_path / "ttyUSB0"), by_id) == "FTDI_FT232R_A1-if00"
    assert device_id("/dev/tty.weird name", by_id) == "tty_weird_name"
    assert path_of(str(tmp_path / "gone"), by_id) is None
    assert path_of("no-such-number", by_id) is None


def test_a_port_that_is_unplugged_is_told_and_found_again(plug: Plug, listener: Listener) -> None:
    for word in (b"before", b"after"):
        plug.plug()
        listener.connected()
        plug.send(word)
        assert listener.read(len(word)) == word
        plug.unplug()
        listener.until("unplugged")
    assert listener.line.reconnects == 1


def test_who_sets_a_time_to_wake_is_told_when_it_has_come_but_bytes_go_first(plug: Plug) -> None:
    plug.plug()
    line = SerialLine(str(plug.link))
    chunks = line.chunks(Event())
    assert next(chunks)[0] == b""
    line.vigil = Vigil(time.monotonic() + 0.05)
    assert next(chunks)[0] is None
    assert time.monotonic() >= line.vigil.wake_s
    assert next(chunks)[0] is None, "as long as nobody says otherwise"
    plug.send(b"x")
    wait_for(lambda: next(chunks)[0] == b"x")
    line.vigil = Vigil(time.monotonic() + 100.0)
    plug.send(b"y")
    assert next(chunks)[0] == b"y"


def test_who_waits_awake_is_given_what_comes_and_does_not_sleep(plug: Plug, monkeypatch: pytest.MonkeyPatch) -> None:
    looks: list[bytes | None] = []
    sleeps: list[float] = []
    really_read, really_select = os.read, select.select

    def look(file: int, most: int) -> bytes:
        looks.append(None)
        if len(looks) == 3:
            plug.send(b"x")
        data = looks[-1] = really_read(file, most)
        return data

    def sleep(reads: list[Any], writes: list[Any], faults: list[Any], wait_s: float) -> Any:
        sleeps.append(wait_s)
        return really_select(reads, writes, faults, wait_s)

    plug.plug()
    line = SerialLine(str(plug.link))
    chunks = line.chunks(Event())
    assert next(chunks)[0] == b""
    monkeypatch.setattr(os, "read", look)
    monkeypatch.setattr(select, "select", sleep)
    line.vigil = Vigil(time.monotonic() + 60.0, awake=True)
    assert next(chunks)[0] == b"x"
    assert looks[:2] == [None, None], "there was nothing yet"
    assert looks[-1] == b"x"
    line.vigil = Vigil(time.monotonic() + 0.05, awake=True)
    assert next(chunks)[0] is None
    assert set(sleeps) <= {0}, "never asleep"

    def has_slept() -> bool:
        line.vigil = Vigil(time.monotonic() + 0.05)
        assert next(chunks)[0] is None
        return sleeps[-1] > 0  # unless the machine was too busy, and it is time already

    wait_for(has_slept)
    assert sleeps[-1] <= 0.05


def test_who_waits_awake_can_be_told_to_stop(plug: Plug, monkeypatch: pytest.MonkeyPatch) -> None:
    stop = Event()

    def look(*_: object) -> bytes:
        stop.set()
        raise BlockingIOError

    plug.plug()
    line = SerialLine(str(plug.link))
    chunks = line.chunks(stop)
    assert next(chunks)[0] == b""
    monkeypatch.setattr(serial_line, "WAIT_S", 0.01)
    monkeypatch.setattr(os, "read", look)
    line.vigil = Vigil(time.monotonic() + 10.0, awake=True)
    assert list(chunks) == []
    assert time.monotonic() < line.vigil.wake_s


@pytest.mark.parametrize("fault", [b"", OSError(errno.EIO, "gone")])
def test_a_port_that_can_be_read_and_gives_nothing_is_lost(
    plug: Plug, monkeypatch: pytest.MonkeyPatch, fault: bytes | OSError
) -> None:
    """Where there is nothing after all (EAGAIN), it is asked again; what ends or fails is unplugged."""
    plug.plug()
    line, stop = SerialLine(str(plug.link)), Event()
    chunks = line.chunks(stop)
    next(chunks)
    plug.send(b"x")
    results: list[bytes | OSError] = [BlockingIOError(), b"x", fault]

    def read(_file: int, _most: int) -> bytes:
        result = results.pop(0)
        if isinstance(result, OSError):
            raise result
        return result

    monkeypatch.setattr("har_stream.sources.serial_line.os.read", read)
    assert next(chunks)[0] == b"x"
    assert next(chunks)[0] == b"", "a new connection"
    assert line.reconnects == 1
    chunks.close()  # type: ignore[attr-defined]  # it is a generator
