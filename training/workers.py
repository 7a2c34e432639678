"""Work spread over processes, a fresh one for each order: what one leaves behind can change no other's result."""

from __future__ import annotations

import os
import signal
import threading
import traceback
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from contextvars import ContextVar
from dataclasses import dataclass
from multiprocessing import get_context, parent_process, resource_tracker
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from typing import Any, Final, Literal, TypeVar, cast

from har_stream.errors import HarStreamError

T = TypeVar("T")
R = TypeVar("R")

Message = tuple[Literal["told", "done", "failed"], Any]
CONTEXT: Final = get_context("spawn")
"""TensorFlow's threads do not survive a fork."""
_parent: ContextVar[Connection | None] = ContextVar("parent", default=None)


@dataclass(frozen=True, slots=True)
class _Worker:
    """A process at work on one order."""

    index: int
    process: SpawnProcess


def spread(
    function: Callable[[T], R],
    orders: Sequence[T],
    *,
    jobs: int,
    told: Callable[[int, Any], None] | None = None,
) -> Iterator[tuple[int, R]]:
    """Yield (index, function(orders[index])) as each completes, at most `jobs` at a time, the first orders first.

    The function must be one of a module. It may `tell` how far it is, which calls told(index, value) here while the
    iterator is waited for. Workers ignore Ctrl-C; when this iterator ends, for whatever reason, and when this process
    ends, so do they. Raises the HarStreamError that a worker raised; HarStreamError where one died, and RuntimeError
    with the worker's traceback for any other exception.
    """
    waiting, running = deque(enumerate(orders)), dict[Connection, _Worker]()
    try:
        while waiting or running:
            while waiting and len(running) < jobs:
                index, order = waiting.popleft()
                _start(running, index, (function, order))
            for line in cast("list[Connection]", wait(list(running))):
                worker = running[line]
                kind, value = _received(line, worker, jobs)
                if kind == "told":
                    if told is not None:
                        told(worker.index, value)
                    continue
                _end(running, line)
                if kind == "failed":
                    raise value
                yield worker.index, value
    finally:
        for line in list(running):
            _end(running, line)


def tell(value: Any) -> None:
    """Tell the process that spread this work something on the way; nothing happens where there is none."""
    if (parent := _parent.get()) is not None:
        parent.send(("told", value))


def _start(running: dict[Connection, _Worker], index: int, work: tuple[Any, Any]) -> None:
    ours, theirs = CONTEXT.Pipe()
    process = CONTEXT.Process(target=_work, args=(theirs,), daemon=True)
    # The worker inherits the mask and keeps it, so that Ctrl-C finds it deaf even while it is starting. The tracker is
    # started first because its start unblocks the signal.
    resource_tracker.ensure_running()
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        process.start()
        running[ours] = _Worker(index, process)
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
    theirs.close()
    with suppress(ConnectionError):  # a worker that died is noticed when its answer is read
        ours.send(work)


def _end(running: dict[Connection, _Worker], line: Connection) -> None:
    worker = running.pop(line)
    worker.process.kill()
    worker.process.join()
    line.close()


def _received(line: Connection, worker: _Worker, jobs: int) -> Message:
    try:
        message: Message = line.recv()
    except (EOFError, ConnectionError):
        worker.process.join()
        code = worker.process.exitcode or 0
        how = f"signal {-code}" if code < 0 else f"exit code {code}"
        hint = f"; {jobs} at a time may need more memory than there is (see --jobs)" if jobs > 1 else ""
        raise HarStreamError(f"a worker process died ({how}){hint}") from None
    return message


def _work(line: Connection) -> None:
    """Do one order in this process."""
    threading.Thread(target=_end_with_parent, daemon=True).start()
    _parent.set(line)
    message: Message
    try:
        function, order = line.recv()
        message = "done", function(order)
    except HarStreamError as error:
        message = "failed", error
    except Exception:  # noqa: BLE001 - the parent raises it, whatever it is
        message = "failed", RuntimeError(traceback.format_exc())
    line.send(message)


def _end_with_parent() -> None:
    parent = parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)
