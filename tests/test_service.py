"""What a supervisor is told of a stream that is played here; the real process is in test_service_end_to_end."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from har_stream import service
from har_stream.notify import Notifier
from har_stream.presence import Present
from har_stream.service import Service
from har_stream.vitals import Vitals
from tests.supervisor import Supervisor, supervisor
from tests.watched import WELL

WATCHDOG_S = 0.03


class Stream:
    def __init__(self) -> None:
        self.up = False
        self.engine_beat_s = time.monotonic()
        present = Present(streaming=1, stale=1)
        self.told = replace(WELL, stream=replace(WELL.stream, present=present), recording=None)

    def vitals(self) -> Vitals:
        return self.told


@pytest.fixture
def listening(tmp_path: Path) -> Iterator[Supervisor]:
    with supervisor(str(tmp_path / "notify")) as one:
        yield one


@pytest.fixture
def notifier(listening: Supervisor) -> Notifier:
    return Notifier({"NOTIFY_SOCKET": listening.address, "WATCHDOG_USEC": str(int(WATCHDOG_S * 1e6))})


def test_it_is_ready_once_when_samples_can_come(listening: Supervisor, notifier: Notifier) -> None:
    stream = Stream()
    one = Service(stream, notifier)
    one.watch()
    assert "READY=1" not in listening.lines
    stream.up = True
    one.watch()
    stream.up = False
    one.watch()
    stream.up = True
    one.watch()
    assert listening.lines.count("READY=1") == 1


def test_the_watchdog_hears_of_an_engine_that_turns_and_of_no_other(listening: Supervisor, notifier: Notifier) -> None:
    stream = Stream()
    one = Service(stream, notifier)
    one.watch()
    assert listening.lines.count("WATCHDOG=1") == 1
    for _ in range(5):
        time.sleep(WATCHDOG_S)
        one.watch()
    assert listening.lines.count("WATCHDOG=1") == 1
    stream.engine_beat_s = time.monotonic()
    one.watch()
    assert listening.lines.count("WATCHDOG=1") == 2


def test_the_watchdog_hears_not_of_every_turn(listening: Supervisor) -> None:
    notifier = Notifier({"NOTIFY_SOCKET": listening.address, "WATCHDOG_USEC": "60000000"})
    stream = Stream()
    one = Service(stream, notifier)
    for _ in range(5):
        stream.engine_beat_s = time.monotonic()
        one.watch()
    assert listening.lines.count("WATCHDOG=1") == 1


def test_the_status_says_what_is_wrong_when_that_changes(
    listening: Supervisor, notifier: Notifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "STATUS_EVERY_S", 0.0)
    stream = Stream()
    one = Service(stream, notifier)
    stream.told = replace(stream.told, source="not there: is it plugged in?")
    one.watch()
    one.watch()
    stream.told = replace(stream.told, source="")
    one.watch()
    one.stopping()
    assert [line for line in listening.lines if line.startswith("ST")] == [
        "STATUS=source: not there: is it plugged in? (2 devices)",
        "STATUS=streams labels of 2 devices",
        "STOPPING=1",
        "STATUS=ends: what waits goes through",
    ]


def test_a_reload_begins_and_ends(listening: Supervisor, notifier: Notifier) -> None:
    stream = Stream()
    stream.up = True
    one = Service(stream, notifier)
    one.watch()
    listening.forget()
    one.reload(lambda: "taken")
    assert [message.splitlines()[0] for message in listening.messages] == ["RELOADING=1", "READY=1"]
    assert listening.lines[-1] == "STATUS=taken"


def test_a_reload_makes_no_stream_ready_that_was_not(listening: Supervisor, notifier: Notifier) -> None:
    one = Service(Stream(), notifier)
    one.reload(lambda: "taken")
    assert "READY=1" not in listening.lines
