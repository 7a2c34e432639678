"""Work spread over processes, one TensorFlow thread each: fits do not share their time or their memory."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
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
    pool = ProcessPoolExecutor(
        jobs, mp_context=get_context("spawn"), initializer=_prepare, max_tasks_per_child=ORDERS_A_PROCESS
    )
    try:
        futures = {pool.submit(function, order): index for index, order in enumerate(orders)}
        for future in as_completed(futures):
            yield futures[future], future.result()
    except BaseException:
        for process in list((pool._processes or {}).values()):  # noqa: SLF001 - terminate_workers() is Python 3.14's
            process.terminate()
        raise
    finally:
        pool.shutdown(cancel_futures=True)


def _prepare() -> None:
    """Leave Ctrl-C to the parent, and keep to one thread."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.environ.update(dict.fromkeys(THREADS, "1"))
