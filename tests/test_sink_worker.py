"""A sink's own thread: order, bounds, failures, and an end in time."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import pytest

from har_stream.samples import Prediction
from har_stream.sinks.sink import SinkClosed
from har_stream.sinks.worker import SinkWorker
from tests.broker import wait_for
from tests.predictions import prediction


class FakeSink:
    """Takes predictions while it is let; fails as it is told."""

    name = "fake:"
    at_once = 1000
    condition = ""

    def __init__(self) -> None:
        self.taken: list[Prediction] = []
        self.is_ready = True
        self.appetite = 1000
        self.fault: Exception | None = None
        self.gate = threading.Event()
        self.gate.set()
        self.closed = False
        self.passes = False
        self.passers: list[str] = []
        self.wake: Callable[[], None] = lambda: None

    def start(self, wake: Callable[[], None]) -> None:
        self.wake = wake

    def ready(self) -> bool:
        return self.is_ready

    def pass_on(self, predictions: list[Prediction]) -> bool:
        if not self.passes:
            return False
        self.passers.append(threading.current_thread().name)
        if self.fault:
            raise self.fault
        self.taken += predictions
        return True

    def write(self, predictions: list[Prediction]) -> int:
        self.gate.wait(60)
        if self.fault:
            raise self.fault
        part = predictions[: self.appetite]
        self.taken += part
        return len(part)

    def idle(self) -> None:
        pass

    def close(self, deadline_s: float) -> None:
        self.closed = True


def started(sink: FakeSink, *, limit: int = 10, source_waits: bool = False) -> tuple[SinkWorker, threading.Event]:
    gone = threading.Event()
    worker = SinkWorker(sink, limit=limit, source_waits=source_waits, on_closed=gone.set)
    worker.start()
    return worker, gone


def finish(worker: SinkWorker, within_s: float = 30.0) -> None:
    worker.finish(time.monotonic() + within_s)


def test_all_is_written_in_order() -> None:
    sink = FakeSink()
    worker, _ = started(sink, limit=1000)
    for number in range(100):
        worker.put([prediction(end_s=number)])
    finish(worker)
    assert [p.end_s for p in sink.taken] == list(range(100))
    assert (worker.written, worker.dropped, sink.closed) == (100, 0, True)


def test_while_a_sink_is_not_ready_the_newest_wait_for_it() -> None:
    sink = FakeSink()
    sink.is_ready = False
    worker, _ = started(sink, limit=10)
    for number in range(25):
        worker.put([prediction(end_s=number)])
    sink.is_ready = True
    sink.wake()
    finish(worker)
    assert [p.end_s for p in sink.taken] == list(range(15, 25))
    assert (worker.written, worker.dropped) == (10, 15)


def test_a_source_that_can_wait_waits_for_a_slow_sink() -> None:
    sink = FakeSink()
    sink.gate.clear()
    worker, _ = started(sink, limit=5, source_waits=True)

    def feed() -> None:
        for number in range(50):
            worker.put([prediction(end_s=number)])

    feeder = threading.Thread(target=feed)
    feeder.start()
    time.sleep(0.1)
    assert feeder.is_alive()
    sink.gate.set()
    feeder.join(60)
    finish(worker)
    assert [p.end_s for p in sink.taken] == list(range(50))
    assert worker.dropped == 0


def test_a_source_that_can_wait_loses_nothing_of_a_tick_longer_than_the_queue() -> None:
    sink = FakeSink()
    sink.appetite = 1
    worker, _ = started(sink, limit=5, source_waits=True)
    worker.put([prediction(end_s=number) for number in range(3)])
    worker.put([prediction(end_s=number) for number in range(3, 50)])
    finish(worker)
    assert [p.end_s for p in sink.taken] == list(range(50))
    assert worker.dropped == 0


def test_of_what_a_sink_gives_back_the_oldest_go_where_newer_ones_have_taken_the_room() -> None:
    sink = FakeSink()
    sink.gate.clear()
    worker, _ = started(sink, limit=5)
    worker.put([prediction(end_s=number) for number in range(3)])
    wait_for(lambda: not worker._queue)  # noqa: SLF001 - all are in the sink's hands
    worker.put([prediction(end_s=number) for number in range(3, 8)])
    sink.appetite = 0
    sink.is_ready = False
    sink.gate.set()
    wait_for(lambda: (worker.waiting, worker.dropped) == (5, 3))
    sink.appetite, sink.is_ready = 1000, True
    sink.wake()
    finish(worker)
    assert [p.end_s for p in sink.taken] == list(range(3, 8))


def test_a_source_does_not_wait_for_a_sink_that_is_away() -> None:
    sink = FakeSink()
    sink.is_ready = False
    worker, _ = started(sink, limit=5, source_waits=True)
    for number in range(50):
        worker.put([prediction(end_s=number)])
    finish(worker, within_s=1.2)
    assert worker.dropped == 50


def test_what_a_sink_does_not_take_is_offered_again_in_order() -> None:
    sink = FakeSink()
    sink.appetite = 3
    worker, _ = started(sink, limit=100)
    worker.put([prediction(end_s=number) for number in range(20)])
    finish(worker)
    assert [p.end_s for p in sink.taken] == list(range(20))
    assert (worker.written, worker.dropped) == (20, 0)


def test_failed_writes_are_counted_told_once_and_got_over(caplog: pytest.LogCaptureFixture) -> None:
    sink = FakeSink()
    worker, _ = started(sink)
    sink.fault = OSError(28, "No space left on device")
    for number in range(1, 4):
        worker.put([prediction()])
        wait_for(lambda so_far=number: worker.dropped == so_far)
    sink.fault = None
    worker.put([prediction()])
    finish(worker)
    assert (worker.written, worker.dropped) == (1, 3)
    assert [record.message for record in caplog.records if "No space" in record.message] != []
    assert len([record for record in caplog.records if record.levelname == "ERROR"]) == 1


def test_a_reader_that_has_gone_ends_the_stream() -> None:
    sink = FakeSink()
    worker, gone = started(sink)
    sink.fault = SinkClosed()
    worker.put([prediction()])
    assert gone.wait(60)
    finish(worker)
    assert not worker.failed


def test_a_fault_in_a_sink_is_told_and_stops_nobody_else(caplog: pytest.LogCaptureFixture) -> None:
    sink = FakeSink()
    worker, _ = started(sink, source_waits=True, limit=2)
    sink.fault = ZeroDivisionError()
    for _ in range(20):
        worker.put([prediction()])
    finish(worker)
    assert worker.failed
    assert worker.dropped == 20
    assert "ZeroDivisionError" in caplog.text


def test_what_a_hanging_sink_had_in_hand_is_counted_as_dropped() -> None:
    sink = FakeSink()
    sink.gate.clear()
    worker, _ = started(sink, limit=100)
    worker.put([prediction() for _ in range(30)])
    finish(worker, within_s=0.5)
    assert (worker.written, worker.dropped) == (0, 30)
    sink.gate.set()


def test_the_end_comes_in_time_though_the_sink_hangs() -> None:
    sink = FakeSink()
    sink.gate.clear()
    worker, _ = started(sink)
    worker.put([prediction()])
    begun_s = time.monotonic()
    finish(worker, within_s=0.5)
    assert time.monotonic() - begun_s < 5
    sink.gate.set()


def test_a_labels_way_is_timed_from_its_samples_arrival_until_the_sink_has_it() -> None:
    sink = FakeSink()
    sink.appetite = 2
    worker, _ = started(sink)
    worker.put([prediction(), prediction(), prediction()], time.monotonic() - 7.0)
    worker.put([prediction()])
    wait_for(lambda: worker.written == 4)
    told = worker.vitals().latency
    assert (sum(told.counts), told.counts[told.bounds_s.index(10.0)]) == (3, 3), "one is not known"
    assert told.sum_s == pytest.approx(21.0, abs=6.0)
    finish(worker)


def test_a_label_that_is_lost_has_no_latency_and_one_that_waits_is_told() -> None:
    sink = FakeSink()
    sink.is_ready, sink.condition = False, "not connected"
    worker, _ = started(sink, limit=2)
    worker.put([prediction(), prediction(), prediction()], time.monotonic())
    vitals = worker.vitals()
    assert (vitals.waiting, vitals.limit, vitals.dropped, sum(vitals.latency.counts)) == (2, 2, 1, 0)
    assert vitals.condition == "not connected"
    finish(worker, 0.1)
