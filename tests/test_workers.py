"""Work in other processes: every order is done, a fault is told, a closed iterator leaves no process."""

from __future__ import annotations

import multiprocessing
import os
import signal

import pytest

from har_stream.errors import ConfigError
from training.workers import THREADS, spread


def squared(number: int) -> int:
    if number < 0:
        raise ConfigError("negative")
    return number * number


def surroundings(_: int) -> tuple[int, bool, list[str | None]]:
    ignored = signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    return os.getpid(), ignored, [os.environ.get(name) for name in THREADS]


def test_every_order_is_done_under_its_index() -> None:
    assert sorted(spread(squared, range(9), jobs=2)) == [(number, number**2) for number in range(9)]
    assert list(spread(squared, [], jobs=2)) == []


def test_a_worker_is_another_process_of_one_thread_that_leaves_ctrl_c_to_its_parent() -> None:
    ((_, (pid, ignored, threads)),) = spread(surroundings, [0], jobs=1)
    assert pid != os.getpid()
    assert ignored
    assert set(threads) == {"1"}


def test_a_fault_is_raised_and_no_worker_stays() -> None:
    with pytest.raises(ConfigError, match="negative"):
        list(spread(squared, [-1, 1, 2], jobs=2))
    assert not multiprocessing.active_children()
