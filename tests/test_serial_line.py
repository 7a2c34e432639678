"""A serial line: every byte, whatever happens to the port, and a clear word on what is wrong with it."""

from __future__ import annotations

import errno
import logging
import os
import pty
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from queue import Queue
from threading import Event, Thread

import pytest

from har_stream.errors import ConfigError
from har_stream.sources import serial_line
from har_stream.sources.serial_line import SerialLine
from har_stream.sources.serial_ports import device_id, lasting_name, path_of, why_not
from tests.serial_pair import Plug

PATIENCE_S = 20.0


class Listener:
    """A line that is read in a thread of its own."""

    def __init__(self, line: SerialLine) -> None:
        self.line = line
        self.stop = Event()
        self._chunks: Queue[bytes] = Queue()
        self._thread = Thread(target=self._listen, daemon=True)
        self._thread.start()

    def _listen(self) -> None:
        for data, _ in self.line.chunks(self.stop):
            self._chunks.put(data)

    def read(self, length: int) -> bytes:
        """Return so many bytes, without the beginnings of connections."""
        told = b""
        while len(told) < length:
            told += self._chunks.get(timeout=PATIENCE_S)
        return told

    def connected(self) -> None:
        """Wait for the beginning of a connection."""
        while self._chunks.get(timeout=PATIENCE_S):
            pass

    def until(self, condition: str) -> None:
        """Wait until the line's condition begins with a word."""
        deadline_s = time.monotonic() + PATIENCE_S
        while not self.line.condition.startswith(condition):
            assert time.monotonic() < deadline_s, self.line.condition
            time.sleep(0.01)

    def end(self) -> None:
        """Stop reading, and see that the thread ends."""
        self.stop.set()
        self._thread.join(PATIENCE_S)
        assert not self._thread.is_alive()


def descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


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


def test_a_port_that_comes_back_under_another_name_is_followed_with_no_descriptor_lost(
    plug: Plug, listener: Listener
) -> None:
    plug.plug()
    listener.connected()
    open_before = descriptors()
    names = set()
    for turn in range(20):
        plug.unplug()
        listener.until("unplugged")
        kept = os.openpty() if turn % 2 else ()  # so that the next one gets another name
        plug.plug()
        listener.connected()
        names.add(plug.terminal)
        plug.send(b"again")
        assert listener.read(5) == b"again"
        for descriptor in kept:
            os.close(descriptor)
    assert listener.line.reconnects == 20
    assert len(names) > 1
    assert descriptors() == open_before


def test_a_port_unplugged_and_back_is_read_again_within_two_seconds(plug: Plug, listener: Listener) -> None:
    plug.plug()
    listener.connected()
    plug.unplug()
    plug.plug()
    back_s = time.monotonic()
    listener.connected()
    assert time.monotonic() - back_s < 2.0 * PATIENCE_S / 20  # with the same patience as every wait here


def test_silence_is_told_and_ends(plug: Plug, listener: Listener, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serial_line, "STALE_S", 0.5)
    plug.plug()
    listener.until("silent")
    plug.send(b"x")
    listener.read(1)
    assert listener.line.condition == "connected"


def test_a_port_in_use_is_told_with_who_has_it(plug: Plug) -> None:
    plug.plug()
    holder = (
        f"import serial, time; port = serial.Serial({str(plug.link)!r}, exclusive=True); "
        "print('open', flush=True); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", holder], stdout=subprocess.PIPE) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == b"open\n"
            listener = Listener(SerialLine(str(plug.link)))
            try:
                listener.until("in use by")
                assert f"({process.pid})" in listener.line.condition
                process.kill()
                listener.connected()
            finally:
                listener.end()
        finally:
            process.kill()


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


def test_a_port_opened_by_path_is_followed_by_its_lasting_name(tmp_path: Path) -> None:
    by_id = tmp_path / "by-id"
    by_id.mkdir()
    link = by_id / "usb-sensor"
    first_device, first_port = pty.openpty()
    second_device, second_port = pty.openpty()
    link.symlink_to(os.ttyname(first_port))
    listener = Listener(SerialLine(os.ttyname(first_port), by_id=by_id))
    listener.connected()
    os.close(first_port)
    link.unlink()
    link.symlink_to(os.ttyname(second_port))
    os.close(first_device)
    listener.connected()
    os.write(second_device, b"moved")
    assert listener.read(5) == b"moved"
    listener.end()
    for descriptor in (second_device, second_port):
        os.close(descriptor)
