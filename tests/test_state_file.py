"""The state file: whole or not there, private, and where it lies."""

from __future__ import annotations

import multiprocessing
import os
import stat
from pathlib import Path

import pytest

from har_stream import kept_file
from har_stream.errors import ConfigError
from har_stream.settings import Settings
from har_stream.state import DeviceState, States, encode
from har_stream.state_file import StateFile, check_folder, state_folder
from har_stream.upright import UprightState


def states(windows: int, devices: int = 1) -> States:
    return {f"d{number}": DeviceState(UprightState((1.0, 0.0, 0.0), windows)) for number in range(devices)}


def test_what_is_written_is_there_for_the_next_process(tmp_path: Path) -> None:
    StateFile(tmp_path / "a" / "b").write(states(3))
    assert StateFile(tmp_path / "a" / "b").read() == states(3)


def test_what_somebody_else_writes_is_seen_and_a_file_that_has_gone_is_empty(tmp_path: Path) -> None:
    ours, theirs = StateFile(tmp_path), StateFile(tmp_path)
    theirs.write(states(4))
    assert ours.read() == states(4)
    ours.path.unlink()
    assert ours.read() == {}


def test_only_its_owner_can_read_it(tmp_path: Path) -> None:
    old = os.umask(0)
    try:
        path = StateFile(tmp_path / "deep").path
        file = StateFile(tmp_path)
        (tmp_path / "devices.json.new").touch(0o666)  # as a process that died may have left it
        file.write(states(1))
    finally:
        os.umask(old)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert stat.S_IMODE((tmp_path / path.name).stat().st_mode) == 0o600


@pytest.mark.parametrize(
    ("data", "aside"),
    [(b"", "damaged"), (b'{"a": 1}', "damaged"), (encode(states(9))[:-40], "damaged"), (b'{"format":2}', "newer")],
)
def test_a_file_that_cannot_be_read_is_set_aside_with_one_line(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, data: bytes, aside: str
) -> None:
    (tmp_path / "devices.json").write_bytes(data)
    file = StateFile(tmp_path)
    assert file.read() == {}
    assert (tmp_path / f"devices.json.{aside}").read_bytes() == data
    assert [record.getMessage().partition(";")[2] for record in caplog.records] == [
        f" set aside as devices.json.{aside}, begun anew"
    ]


def test_a_disk_that_fails_leaves_the_file_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = StateFile(tmp_path)
    file.write(states(1))

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(OSError, match="No space"):
            file.write(states(2))
    assert file.read() == states(1)
    assert StateFile(tmp_path).read() == states(1)


def test_a_file_far_too_long_is_not_read_but_set_aside(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kept_file, "MOST_BYTES", 1 << 20)
    for extra in (0, 1):
        (tmp_path / "devices.json").write_bytes(encode(states(1)).rstrip().ljust((1 << 20) + extra))
        assert StateFile(tmp_path).read() == ({} if extra else states(1))
    assert "longer than 1 MiB; set aside as devices.json.damaged" in caplog.text


@pytest.mark.parametrize("name", ["devices.json", "devices.standings"])
def test_a_pipe_in_its_place_is_a_fault_of_the_configuration_and_waits_for_nobody(tmp_path: Path, name: str) -> None:
    os.mkfifo(tmp_path / name)
    with pytest.raises(ConfigError, match=r"not a file: give --state"):
        StateFile(tmp_path)


def test_another_name_is_another_file(tmp_path: Path) -> None:
    StateFile(tmp_path, name="devices-1").write(states(3))
    StateFile(tmp_path, name="devices-2").write(states(4))
    assert StateFile(tmp_path, name="devices-1").read() == states(3)
    assert StateFile(tmp_path).read() == {}


def _add_devices(folder: Path, first: int) -> None:
    file = StateFile(folder)
    for number in range(first, first + 20):
        with file.locked():
            file.write(file.read() | {f"d{number}": DeviceState()})


def test_two_processes_lose_nothing_of_each_other(tmp_path: Path) -> None:
    context = multiprocessing.get_context("fork")
    processes = [context.Process(target=_add_devices, args=(tmp_path, first)) for first in (0, 20)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert set(StateFile(tmp_path).read()) == {f"d{number}" for number in range(40)}


def test_a_folder_that_cannot_be_is_a_fault_of_the_configuration(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for folder in (tmp_path / "file", tmp_path / "file" / "below", Path("a\0b")):
        for open_state in (StateFile, check_folder):
            with pytest.raises(ConfigError, match=r"give --state a folder that can be written, or off"):
                open_state(folder)
    with pytest.raises(ConfigError, match=r"state: /proc/none: "):
        StateFile(Path("/proc/none"))


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_may_not_be_written_is_one_too(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    for open_state in (StateFile, check_folder):
        with pytest.raises(ConfigError, match=r"give --state a folder"):
            open_state(tmp_path)


def test_checking_makes_nothing(tmp_path: Path) -> None:
    check_folder(tmp_path / "a" / "b")
    assert list(tmp_path.iterdir()) == []


LIVE = "mqtt://localhost/har"


@pytest.mark.parametrize(
    ("source", "state", "environment", "folder"),
    [
        (LIVE, "", {"STATE_DIRECTORY": "/s", "XDG_STATE_HOME": "/x"}, "/s"),
        (LIVE, "", {"STATE_DIRECTORY": "/s:/t"}, "/s"),
        (LIVE, "", {"STATE_DIRECTORY": "", "XDG_STATE_HOME": "/x"}, "/x/har-stream"),
        (LIVE, "", {"XDG_STATE_HOME": "relative"}, "/home/me/.local/state/har-stream"),
        (LIVE, "", {}, "/home/me/.local/state/har-stream"),
        (LIVE, "~/kept", {"STATE_DIRECTORY": "/s"}, "/home/me/kept"),
        (LIVE, "off", {"STATE_DIRECTORY": "/s"}, None),
        ("sim:", "", {"STATE_DIRECTORY": "/s"}, None),
        ("sim:", "/kept", {}, None),
        ("replay:phone.csv", "/kept", {}, None),
    ],
)
def test_where_it_lies(
    monkeypatch: pytest.MonkeyPatch, source: str, state: str, environment: dict[str, str], folder: str | None
) -> None:
    monkeypatch.setenv("HOME", "/home/me")
    settings = Settings(source=source, state=state)
    found = state_folder(settings, environment, on_command_line=False)
    assert found == (None if folder is None else Path(folder))


def test_a_home_that_cannot_be_found_is_a_fault_of_the_configuration() -> None:
    with pytest.raises(ConfigError, match=r"state: .*home.*: give --state"):
        state_folder(Settings(source=LIVE, state="~nobody-by-that-name/x"), {}, on_command_line=False)


def test_the_command_line_alone_keeps_what_is_learned_from_no_real_device() -> None:
    for state, folder in (("/kept", Path("/kept")), ("off", None), ("", Path("/s"))):
        settings = Settings(source="sim:", state=state)
        assert state_folder(settings, {"STATE_DIRECTORY": "/s"}, on_command_line=True) == folder
