"""Work spread over processes, one TensorFlow thread each: fits do not share their time or their memory."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from multiprocessing import get_context
from typing import Final, TypeVar

T = TypeVar("T")
R = TypeVar("R")

ORDERS_A_PROCESS: Final = 4
"""After so many orders a process makes room for a new one: TensorFlow gives little of its memory back."""
THREADS: Final = ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS", "OMP_NUM_THREADS")


def spread(function: Callable[[T], R], orders: Sequence[T], *, jobs: int) -> Iterator[tuple[int, R]]:
    """Yield (index, function(orders[index])) as each completes, at most `jobs` at a time, the first orders first.

    An exception of the function's is raised here; then, as when the iterator is closed, the workers are terminated.
    """
    # Not concurrent.futures: with a limit of orders a process, Python 3.11's waits forever for a new process.
    with get_context("spawn").Pool(jobs, _prepare, maxtasksperchild=ORDERS_A_PROCESS) as pool:
        yield from pool.imap_unordered(partial(_numbered, function), list(enumerate(orders)))


def _numbered(function: Callable[[T], R], numbered: tuple[int, T]) -> tuple[int, R]:
    index, order = numbered
    return index, function(order)


def _prepare() -> None:
    """Leave Ctrl-C to the parent, and keep to one thread."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.environ.update(dict.fromkeys(THREADS, "1"))
