"""The real process under a supervisor: ready, watched, told to read its configuration again, and ended."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.broker import wait_for
from tests.serial_pair import Plug
from tests.stream_process import end, environment
from tests.supervisor import Supervisor, supervisor

PEOPLE = "sim:?devices=1&speed=20"


@contextmanager
def served(listening: Supervisor, config: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A stream without a terminal of its own, as systemd starts it."""
    process = subprocess.Popen(
        [sys.executable, "-m", "har_stream", "--config", str(config), "--state", "off"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment(NOTIFY_SOCKET=listening.address, WATCHDOG_USEC="600000"),
        start_new_session=True,
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()


@pytest.fixture(autouse=True)
def _hang_ups_are_heard() -> Iterator[None]:
    """Under nohup the tests, and all that they start, would ignore them."""
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGHUP, before)


@pytest.fixture
def listening(tmp_path: Path) -> Iterator[Supervisor]:
    with supervisor(str(tmp_path / "notify")) as one:
        yield one


def labels(path: Path) -> int:
    return path.read_bytes().count(b"\n") if path.exists() else 0


def test_ready_means_that_the_source_is_up_and_the_watchdog_is_fed_before_and_after(
    listening: Supervisor, tmp_path: Path
) -> None:
    plug = Plug(tmp_path / "port")
    config = tmp_path / "config.toml"
    config.write_text(f"source = 'serial:{plug.link}'\nsinks = ['jsonl:/dev/null']\n")
    with served(listening, config) as process:
        listening.wait_for("STATUS=source: not there: is it plugged in? (0 devices)")
        listening.wait_for("WATCHDOG=1", times=3)
        assert "READY=1" not in listening.lines
        plug.plug()
        listening.wait_for("READY=1")
        listening.wait_for("STATUS=streams labels of 0 devices")
        listening.forget()
        listening.wait_for("WATCHDOG=1", times=3)
        assert end(process).code == 0
        listening.wait_for("STOPPING=1")
    plug.unplug()


def test_a_configuration_that_is_read_again_holds_or_leaves_all_as_it_was(
    listening: Supervisor, tmp_path: Path
) -> None:
    first, second = tmp_path / "first.jsonl", tmp_path / "second.jsonl"
    config = tmp_path / "config.toml"
    config.write_text(f"source = '{PEOPLE}'\nsinks = ['jsonl:{first}']\n")
    with served(listening, config) as process:
        listening.wait_for("READY=1")
        wait_for(lambda: labels(first) > 3, 60)

        config.write_text(f"source = '{PEOPLE}'\nsinks = ['jsonl:{second}']\nhopp = 3\n")
        process.send_signal(signal.SIGHUP)
        listening.wait_for("READY=1", times=2)
        listening.wait_for(f"STATUS=reload: {config}: unknown key 'hopp' (did you mean 'hop'?); the old configuration")
        before = labels(first)
        wait_for(lambda: labels(first) > before + 3, 60)
        assert not second.exists()

        config.write_text(f"source = '{PEOPLE}&seed=9'\nsinks = ['jsonl:{second}']\nhop = 32\n")
        process.send_signal(signal.SIGHUP)
        listening.wait_for("READY=1", times=3)
        listening.wait_for("STATUS=reload: hop: changed, and needs a restart")
        wait_for(lambda: labels(second) > 3, 60)
        after = labels(first)
        wait_for(lambda: labels(second) > 10, 60)
        assert labels(first) == after
        messages = listening.messages
        begun = [message for message in messages if message.startswith("RELOADING=1\nMONOTONIC_USEC=")]
        assert len(begun) == 2
        ended = end(process)
    assert ended.code == 0
    assert ended.said.count("the old configuration goes on") == 1
    assert f"begun anew: {PEOPLE}&seed=9, jsonl:{second}" in ended.said
    assert "do not balance" not in ended.said
    assert "Traceback" not in ended.said


def test_a_file_that_was_moved_away_is_begun_anew(listening: Supervisor, tmp_path: Path) -> None:
    path = tmp_path / "labels.jsonl"
    config = tmp_path / "config.toml"
    config.write_text(f"source = '{PEOPLE}'\nsinks = ['jsonl:{path}']\n")
    with served(listening, config) as process:
        wait_for(lambda: labels(path) > 3, 60)
        path.rename(tmp_path / "labels.1")
        process.send_signal(signal.SIGHUP)
        wait_for(lambda: labels(path) > 3, 60)
        assert end(process).code == 0
