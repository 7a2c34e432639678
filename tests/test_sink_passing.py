"""Labels that pass by a sink's queue and thread: only where nothing waits, and none is lost or counted twice."""

from __future__ import annotations

import threading
import time

import pytest

from har_stream.sinks.sink import SinkClosed
from har_stream.sinks.worker import SinkWorker
from tests.broker import wait_for
from tests.predictions import prediction
from tests.test_sink_worker import FakeSink, finish, started


@pytest.fixture(autouse=True)
def _never_idle(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else now and then, for a moment, it does not wait."""
    monkeypatch.setattr("har_stream.sinks.worker.IDLE_S", 3600.0)


def waiting(worker: SinkWorker) -> None:
    wait_for(lambda: worker._waits)  # noqa: SLF001 - nothing else tells


def test_what_need_not_wait_is_written_by_who_has_it() -> None:
    sink = FakeSink()
    worker, _ = started(sink)
    waiting(worker)
    sink.passes = True
    worker.put([prediction(end_s=1), prediction(end_s=2)], time.monotonic())
    assert [p.end_s for p in sink.taken] == [1, 2]
    assert sink.passers == [threading.current_thread().name]
    assert (worker.written, worker.waiting, worker.dropped) == (2, 0, 0)
    assert sum(worker.vitals().latency.counts) == 2
    finish(worker)


def test_who_has_passed_labels_on_gives_way_to_their_reader_which_is_no_part_of_their_latency(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sink, now_s, told = FakeSink(), [5.0], list[int]()

    def give_way() -> None:
        told.append(len(sink.taken))
        now_s[0] = 9.0

    worker, _ = started(sink)
    waiting(worker)
    sink.passes = True
    with monkeypatch.context() as patch:
        patch.setattr("har_stream.sinks.worker.time.monotonic", lambda: now_s[0])
        patch.setattr("har_stream.sinks.worker.os.sched_yield", give_way)
        worker.put([prediction(), prediction()], 2.0)
    assert told == [2]
    assert worker.vitals().latency.sum_s == 6.0
    finish(worker)


def test_nothing_passes_by_what_waits() -> None:
    sink = FakeSink()
    worker, _ = started(sink)
    waiting(worker)
    sink.gate.clear()
    worker.put([prediction(end_s=1)])
    sink.passes = True
    worker.put([prediction(end_s=2)])
    wait_for(lambda: not worker._waits)  # noqa: SLF001 - nothing else tells that it writes
    worker.put([prediction(end_s=3)])
    sink.gate.set()
    finish(worker)
    assert [p.end_s for p in sink.taken] == [1, 2, 3]
    assert not sink.passers


def test_a_fault_in_passing_is_met_again_by_the_sinks_own_thread(caplog: pytest.LogCaptureFixture) -> None:
    sink = FakeSink()
    worker, gone = started(sink)
    waiting(worker)
    sink.passes, sink.fault = True, OSError(28, "No space left on device")
    worker.put([prediction(end_s=1)])
    wait_for(lambda: "No space left on device; labels are lost" in caplog.text)
    wait_for(lambda: (worker.written, worker.dropped) == (0, 1))
    sink.passes, sink.fault = False, SinkClosed()
    worker.put([prediction(end_s=2)])
    assert gone.wait(60)
    sink.passes, sink.fault = True, None
    waiting(worker)
    worker.put([prediction(end_s=3)])
    assert (sink.taken, worker.dropped) == ([], 3)
    finish(worker)


def test_nothing_is_passed_to_a_sink_whose_reader_has_gone() -> None:
    sink = FakeSink()
    worker, gone = started(sink)
    sink.fault = SinkClosed()
    worker.put([prediction(end_s=1)])
    assert gone.wait(60)
    sink.passes, sink.fault = True, None
    waiting(worker)
    worker.put([prediction(end_s=2)])
    assert (sink.taken, worker.written, worker.dropped) == ([], 0, 2)
    finish(worker)


def test_after_a_failure_a_write_tells_that_it_is_over_also_where_none_need_wait() -> None:
    sink = FakeSink()
    worker, _ = started(sink)
    sink.passes, sink.fault = True, OSError(28, "No space left on device")
    waiting(worker)
    worker.put([prediction()])
    wait_for(lambda: worker.condition == "cannot be written")
    sink.fault = None
    waiting(worker)
    worker.put([prediction()])
    wait_for(lambda: worker.condition == "")
    finish(worker)
    assert (worker.written, worker.dropped) == (1, 1)
