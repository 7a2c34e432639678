"""Work in other processes: every result once, every fault told, nobody left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import pytest

from har_stream.errors import HarStreamError, InputError
from tests.stream_process import TIMEOUT_S, environment
from training.workers import spread, tell


def squared(number: int) -> int:
    return number * number


def process_of(number: int) -> tuple[int, int]:
    tell(number)
    return number, os.getpid()


def fault(how: str) -> None:
    if how == "input":
        raise InputError("a.txt: damaged")
    if how == "killed":
        os.kill(os.getpid(), signal.SIGKILL)
    raise ZeroDivisionError(how)


def deaf_to_interrupt(_: int) -> str:
    os.kill(os.getpid(), signal.SIGINT)
    return "alive"


def wait_for_ever(folder: Path, number: int) -> None:
    (folder / f"{number}-{os.getpid()}").touch()
    time.sleep(TIMEOUT_S)


def interruptible(folder: str) -> None:
    """What the process under test below runs."""
    for _ in spread(partial(wait_for_ever, Path(folder)), [1, 2, 3], jobs=2):
        pass


def has_ended(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except (FileNotFoundError, ProcessLookupError):
        return True


@pytest.mark.parametrize("jobs", [1, 2, 9])
def test_every_order_is_done_once(jobs: int) -> None:
    assert sorted(spread(squared, [3, 1, 2], jobs=jobs)) == [(0, 9), (1, 1), (2, 4)]


def test_every_order_has_a_process_of_its_own_that_can_tell_how_far_it_is() -> None:
    told: list[tuple[int, int]] = []
    results = [result for _, result in spread(process_of, [7, 8], jobs=1, told=lambda *one: told.append(one))]
    assert [number for number, _ in results] == [7, 8]
    assert len({os.getpid(), *(process for _, process in results)}) == 3
    assert told == [(0, 7), (1, 8)]


def test_told_outside_a_worker_goes_nowhere() -> None:
    assert process_of(1) == (1, os.getpid())


@pytest.mark.parametrize(
    ("how", "kind", "reason"),
    [
        ("input", InputError, "^a.txt: damaged$"),
        ("killed", HarStreamError, r"^a worker process died \(signal 9\); 2 at a time may need more memory"),
        ("bug", RuntimeError, "ZeroDivisionError: bug"),
    ],
)
def test_a_fault_of_a_worker_is_raised_here(how: str, kind: type[Exception], reason: str) -> None:
    with pytest.raises(kind, match=reason):
        list(spread(fault, [how, how], jobs=2))


def test_workers_leave_interrupts_to_their_parent() -> None:
    assert list(spread(deaf_to_interrupt, [0], jobs=1)) == [(0, "alive")]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_no_worker_outlives_its_parent(tmp_path: Path, number: int) -> None:
    code = f"from tests.test_workers import interruptible; interruptible({str(tmp_path)!r})"
    root = Path(__file__).parents[1]
    parent = subprocess.Popen(
        [sys.executable, "-c", code], cwd=root, env=environment(), stderr=subprocess.PIPE, start_new_session=True
    )
    deadline_s = time.monotonic() + TIMEOUT_S
    while len(workers := [int(path.name.partition("-")[2]) for path in tmp_path.iterdir()]) < 2:
        assert parent.poll() is None
        assert time.monotonic() < deadline_s
        time.sleep(0.02)
    if number == signal.SIGINT:
        os.killpg(parent.pid, number)  # as a terminal does
    else:
        parent.send_signal(number)
    said = parent.communicate(timeout=TIMEOUT_S)[1].decode()
    assert said.count("Traceback") == (number == signal.SIGINT)  # the parent's own, none of the workers'
    while not all(map(has_ended, workers)):
        assert time.monotonic() < deadline_s
        time.sleep(0.02)
