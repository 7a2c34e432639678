"""Time in which a process waited for a processor: what the tests' patience leaves out."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests import held_up
from tests.held_up import HeldUp, held_up_s, in_time


@contextmanager
def sleeping(seconds: float) -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen([sys.executable, "-c", f"import time; time.sleep({seconds})"]) as process:
        try:
            yield process
        finally:
            process.kill()


def test_who_ends_is_waited_for_and_who_does_not_is_told() -> None:
    with sleeping(0.0) as process:
        assert in_time(process, 60.0, process.wait) == 0
    with sleeping(60.0) as process, pytest.raises(subprocess.TimeoutExpired):
        in_time(process, 0.3, process.wait)


def test_time_in_which_the_machine_was_busy_does_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    waits_ns = iter(range(0, 10**15, 10**9))  # a second at each look, where a tenth passes
    monkeypatch.setattr(held_up, "_waits_ns", lambda _: {"1": next(waits_ns)})
    with sleeping(0.5) as process:
        assert in_time(process, 0.0, process.wait) == 0


def test_what_threads_waited_adds_up_though_they_end(monkeypatch: pytest.MonkeyPatch) -> None:
    looks = iter([{"1": 10**9}, {"1": 2 * 10**9, "2": 5 * 10**9}, {"1": 2 * 10**9}, {}])
    monkeypatch.setattr(held_up, "_waits_ns", lambda _: next(looks))
    one = HeldUp()
    assert [one.look() for _ in range(3)] == [6.0, 6.0, 6.0]


def test_this_process_waited_at_some_time_and_one_that_has_gone_does_not() -> None:
    with sleeping(0.0) as process:
        process.wait()
    assert held_up_s() > 0
    assert held_up_s(process.pid) == 0
