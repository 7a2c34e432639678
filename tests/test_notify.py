"""What is said to a supervisor's socket, as sd_notify(3) has it."""

from __future__ import annotations

import os
import re
import secrets
import time
from pathlib import Path

import pytest

from har_stream.notify import READY, WATCHDOG, Notifier, reloading, status
from tests.supervisor import supervisor


@pytest.fixture(params=["path", "abstract"])
def address(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return str(tmp_path / "notify") if request.param == "path" else f"@har-{secrets.token_hex(8)}"


def test_lines_go_out_as_one_message(address: str) -> None:
    with supervisor(address) as listening:
        assert Notifier({"NOTIFY_SOCKET": address}).tell(READY, status("streams"))
        assert listening.messages == ["READY=1\nSTATUS=streams"]


@pytest.mark.parametrize(
    "address", ["", "/nowhere/notify", "@nobody-har-stream", "/" + "long" * 100, "/a\0b", "nothing"]
)
def test_a_supervisor_that_is_not_there_is_no_fault(address: str) -> None:
    assert not Notifier({"NOTIFY_SOCKET": address}).tell(READY)
    assert not Notifier({}).heard


def test_a_supervisor_that_does_not_read_holds_nothing_up(address: str) -> None:
    with supervisor(address):
        notifier = Notifier({"NOTIFY_SOCKET": address})
        assert not all(notifier.tell(WATCHDOG) for _ in range(100_000))


def test_a_status_is_one_line_whatever_it_holds() -> None:
    assert status("a\nREADY=1\r\n b\x85c") == "STATUS=a READY=1 b c"
    with pytest.raises(UnicodeEncodeError):
        "\ud800".encode()
    assert not Notifier({}).tell(status("\ud800"))


def test_the_time_of_a_reload_is_that_of_the_monotonic_clock() -> None:
    before_us = time.monotonic_ns() // 1000
    first, second = reloading()
    assert first == "RELOADING=1"
    told = re.fullmatch(r"MONOTONIC_USEC=(\d+)", second)
    assert told
    assert before_us <= int(told[1]) <= time.monotonic_ns() // 1000


@pytest.mark.parametrize(
    ("extra", "watchdog_s"),
    [
        ({"WATCHDOG_USEC": "1500000"}, 1.5),
        ({"WATCHDOG_USEC": "1500000", "WATCHDOG_PID": str(os.getpid())}, 1.5),
        ({"WATCHDOG_USEC": "1500000", "WATCHDOG_PID": "1"}, None),
        ({"WATCHDOG_USEC": "0"}, None),
        ({"WATCHDOG_USEC": "soon"}, None),
        ({}, None),
    ],
)
def test_the_watchdog_says_how_patient_it_is(extra: dict[str, str], watchdog_s: float | None) -> None:
    assert Notifier({"NOTIFY_SOCKET": "/x", **extra}).watchdog_s == watchdog_s
    assert Notifier(extra).watchdog_s is None
