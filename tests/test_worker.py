"""What a supervisor knows of one worker, whose process is a fake here: nothing that it told is lost, or told twice."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Mapping
from multiprocessing.connection import Connection
from threading import Event
from typing import Any
from unittest.mock import Mock

import pytest

from har_stream.accounting import Books
from har_stream.latency import Distribution
from har_stream.presence import Present
from har_stream.settings import WORKER, Settings
from har_stream.shard import Part
from har_stream.vitals import ModelVitals, Reading, Vitals
from har_stream.workers.joined import DIED, joined
from har_stream.workers.seat import BEGUN, END, Told
from har_stream.workers.supervisor import Supervisor
from har_stream.workers.worker import Worker


class Process:
    """Instead of subprocess.Popen: a har-stream that says what the test has it say."""

    newest: Process
    pid = 1

    def __init__(self, _words: list[str], *, env: Mapping[str, str], **_: Any) -> None:
        self.code: int | None = None
        self._connection = Connection(os.dup(int(env[WORKER].rpartition(":")[2])))
        Process.newest = self

    def poll(self) -> int | None:
        return self.code

    def wait(self) -> int | None:
        return self.code

    def kill(self) -> None:
        self.code = -9

    def tell(self, what: str, vitals: Vitals | None = None, *, asked: int = 0) -> None:
        self._connection.send(Told(asked, what, vitals))

    def hears(self) -> int:
        """Take the next question, and return its number."""
        return int.from_bytes(self._connection.recv_bytes())

    def end(self, code: int) -> None:
        self._connection.close()
        self.code = code


@pytest.fixture(autouse=True)
def fakes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("har_stream.workers.worker.subprocess.Popen", Process)


def vitals(used: int, buffered: int) -> Vitals:
    books = Books(used + buffered, used, {}, {}, bridged=0)
    reading = Reading(books, buffered, Present(), {}, {}, Distribution((1.0,), (0, 0), 0.0))
    model = ModelVitals("m", "onnx", "0", ())
    return Vitals(model, False, reading, 64, "", 0, (), (), None, "")  # noqa: FBT003 - as it has them


def worker_that_told(one: Vitals, *whats: str) -> Worker:
    worker = Worker(Part(1, 2), [])
    worker.start()
    Process.newest.tell(BEGUN)
    for what in whats:
        Process.newest.tell(what, one)
    worker.watch(restarts=True)
    return worker


def go_on(worker: Worker, one: Vitals) -> None:
    """Let the pause be over and another process take its place."""
    worker._again_s = 0.0  # noqa: SLF001
    worker.watch(restarts=True)
    Process.newest.tell(BEGUN)
    Process.newest.tell("", one)
    worker.watch(restarts=True)


@pytest.mark.parametrize("last", [(), (END,)])
@pytest.mark.parametrize("code", [1, -11])
def test_what_processes_told_before_another_took_their_place_is_added_up(last: tuple[str, ...], code: int) -> None:
    worker = worker_that_told(vitals(100, 5), "", *last)
    for lap in range(1, 4):
        Process.newest.end(code)
        worker.watch(restarts=True)
        assert worker.vitals is None
        assert joined(worker.told).stream.books.samples_in == 105 * lap
        go_on(worker, vitals(100, 5))
        told = joined(worker.told).stream
        assert told.books.samples_in == 105 * (lap + 1) == told.books.used + told.books.dropped[DIED] + told.buffered
        assert (told.buffered, told.books.dropped) == (5, {DIED: 5 * lap})
        assert len(worker.told) == 2, "however often it dies, what is kept does not grow"
    assert worker.restarts == 3
    assert not worker.done


@pytest.mark.parametrize(
    ("code", "restarts", "failed"),
    [(0, True, False), (0, False, False), (1, False, True), (-signal.SIGTERM, False, False)],
)
def test_the_last_word_of_one_that_ends_for_good_stands(code: int, restarts: bool, failed: bool) -> None:  # noqa: FBT001
    worker = worker_that_told(vitals(100, 5), END)
    Process.newest.end(code)
    worker.watch(restarts=restarts)
    assert (worker.done, worker.failed, worker.condition) == (True, failed, "")
    assert worker.vitals == vitals(100, 5)
    assert worker.told == (vitals(100, 5),)


def test_one_that_is_killed_after_its_last_word_has_not_failed() -> None:
    worker = worker_that_told(vitals(100, 5), END)
    worker.kill()
    assert (worker.done, worker.failed, worker.told) == (True, False, (vitals(100, 5),))
    worker = worker_that_told(vitals(100, 5), "")
    worker.kill()
    assert (worker.done, worker.failed) == (True, True)
    assert joined(worker.told).stream.books.dropped == {DIED: 5}


def test_an_answer_is_one_for_all_who_asked_before() -> None:
    worker = worker_that_told(vitals(0, 0))
    soon_s = time.monotonic() + 60
    numbers = [worker.ask(soon_s) for _ in range(3)]
    assert [Process.newest.hears() for _ in numbers] == numbers == [1, 2, 3]
    Process.newest.tell("", vitals(1, 0), asked=2)
    Process.newest.tell("", vitals(2, 0), asked=3)
    worker.hear(1, soon_s)
    assert worker.vitals == vitals(1, 0)
    worker.hear(2, soon_s)
    assert worker.vitals == vitals(1, 0), "it was answered: nothing is waited for"
    worker.hear(3, soon_s)
    assert worker.vitals == vitals(2, 0)


def test_what_one_that_does_not_answer_told_before_stands() -> None:
    worker = worker_that_told(vitals(1, 0), "")
    worker.hear(worker.ask(time.monotonic() + 60), time.monotonic() + 0.01)
    assert worker.vitals == vitals(1, 0)
    with worker._asking:  # noqa: SLF001 - somebody else waits for an answer
        assert worker.ask(time.monotonic() + 0.01) == 0
        worker.hear(5, time.monotonic() + 0.01)


def test_all_workers_are_asked_before_any_is_waited_for() -> None:
    supervisor = Supervisor(Settings(source="mqtt://127.0.0.1/har", http="off", workers=3), [], Event())
    calls = Mock()
    workers = [Mock(told=(vitals(10, number),), vitals=None, condition="", restarts=0, pid=1) for number in range(3)]
    for number, worker in enumerate(workers):
        calls.attach_mock(worker.ask, f"ask{number}")
        calls.attach_mock(worker.hear, f"hear{number}")
        worker.ask.return_value = number
    supervisor._workers[:] = workers  # noqa: SLF001
    assert supervisor.vitals().stream.buffered == 3
    assert [name for name, _, _ in calls.mock_calls] == ["ask0", "ask1", "ask2", "hear0", "hear1", "hear2"]
    assert [worker.hear.call_args.args[0] for worker in workers] == [0, 1, 2]
    assert len({until_s for _, (*_, until_s), _ in calls.mock_calls}) == 1, "they share the patience"
