"""The daemon's books where a part of it fails; its life as a process is in test_end_to_end."""

from __future__ import annotations

import gc
import json
import os
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Thread

import numpy as np
import pytest

from har_stream.daemon import LAST_KEEP_S, Daemon
from har_stream.presence import Present
from har_stream.recordings import Blocks
from har_stream.samples import Block, FleetBlock, Prediction, Tick
from har_stream.settings import MetricsSettings, MqttSettings, QueueSettings, Settings
from har_stream.sources.source import UNPACED_BLOCK
from tests.broker import wait_for
from tests.motion import RATE_HZ, motion

SOURCE = "sim:?devices=2&speed=max&loop=no&script=walking:90"
MOMENT_S = 0.2
"""Enough for whatever does not wait to go ahead."""


def test_what_an_engine_that_died_had_in_hand_is_counted(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    daemon = Daemon(Settings(source=SOURCE, sinks=("jsonl:/dev/null",), http="off"))
    push, ticks = daemon._engine.pipeline.push, []  # noqa: SLF001 - the fault is put where no input can bring it

    def fails_at_the_third(blocks: list[Block], now_s: float) -> list[Prediction]:
        ticks.append(blocks)
        if len(ticks) == 3:
            raise ZeroDivisionError
        return push(blocks, now_s)

    monkeypatch.setattr(daemon._engine.pipeline, "push", fails_at_the_third)  # noqa: SLF001
    assert daemon.run() == 1
    assert "engine: failed: ZeroDivisionError" in caplog.text
    assert "engine_failed" in caplog.text
    assert "do not balance" not in caplog.text


def test_shards_share_the_devices_and_leave_none_out(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    source = SOURCE.replace("devices=2", "devices=5")
    labels: dict[str, list[str]] = {}
    for shard in ("", "1/3", "2/3", "3/3"):
        path = tmp_path / f"{shard.replace('/', '-')}.jsonl"
        daemon = Daemon(Settings(source=source, sinks=(f"jsonl:{path}",), http="off", shard=shard))
        assert daemon.run() == 0
        labels[shard] = path.read_text().splitlines()
        served = {json.loads(line)["device"] for line in labels[shard]}
        ticks = daemon.vitals().stream.books.samples_in // (len(served) * UNPACED_BLOCK)
        assert (daemon.vitals().elsewhere or 0) >= ticks * (5 - len(served))
        assert (shard == "") == (daemon.vitals().elsewhere is None)
    whole = labels.pop("")
    assert all(labels.values())
    assert sorted(line for part in labels.values() for line in part) == sorted(whole)
    assert "do not balance" not in caplog.text
    assert "shard 2/3: " in caplog.text


def test_a_source_that_fails_is_told_and_what_it_brought_goes_through(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    daemon = Daemon(Settings(source=SOURCE, sinks=("jsonl:/dev/null",), http="off"))
    blocks = daemon._feeder.source.blocks  # noqa: SLF001

    def breaks_off(stop: object) -> object:
        yield next(iter(blocks(stop)))  # type: ignore[arg-type]
        raise RuntimeError("unplugged")

    monkeypatch.setattr(daemon._feeder.source, "blocks", breaks_off)  # noqa: SLF001
    assert daemon.run() == 1
    assert "failed: RuntimeError" in caplog.text
    assert "samples in 2048 = used 1920" in caplog.text
    assert "do not balance" not in caplog.text


def test_what_an_engine_that_died_knew_last_is_not_kept(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    daemon = Daemon(Settings(source=SOURCE, sinks=("jsonl:/dev/null",), http="off"), state=tmp_path)
    kept: list[object] = []

    def fails(_: list[Block], __: float) -> list[Prediction]:
        raise ZeroDivisionError

    monkeypatch.setattr(daemon._engine.pipeline, "push", fails)  # noqa: SLF001 - as above
    monkeypatch.setattr(daemon._keeper, "exchange", kept.append)  # noqa: SLF001
    assert daemon.run() == 1
    assert kept == []


def test_a_source_that_can_wait_waits_at_the_end_for_a_slow_recording_too(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    sinks, queues = ("jsonl:/dev/null",), QueueSettings(drain_s=MOMENT_S)
    daemon = Daemon(Settings(source=SOURCE, sinks=sinks, http="off", queues=queues, record=str(tmp_path)))
    recorder = daemon._recorder  # noqa: SLF001 - as above
    assert recorder is not None
    write = recorder._recordings.write  # noqa: SLF001

    def takes_its_time(ticks: Iterable[Blocks]) -> OSError | None:
        time.sleep(LAST_KEEP_S + 2 * MOMENT_S)
        return write(ticks)

    monkeypatch.setattr(recorder._recordings, "write", takes_its_time)  # noqa: SLF001
    assert daemon.run() == 0
    assert (recorder.recorded, recorder.lost) == (9000, 0)


def test_a_fleets_samples_are_recorded_as_those_of_its_devices(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    daemon = Daemon(Settings(source="sim:", sinks=("jsonl:/dev/null",), http="off", record=str(tmp_path)))
    values, first = motion(1, 250).reshape(2, 125, 6), np.zeros(2, np.int64)

    def a_fleet(_: Event) -> Iterator[Tick]:
        yield [FleetBlock(["a", "b"], first, first / RATE_HZ, RATE_HZ, values)]

    monkeypatch.setattr(daemon._feeder.source, "blocks", a_fleet)  # noqa: SLF001 - as above
    assert daemon.run() == 0
    assert daemon._recorder is not None  # noqa: SLF001
    assert daemon._recorder.recorded == 250  # noqa: SLF001
    assert sorted(path.name[0] for path in tmp_path.iterdir()) == ["a", "b"]


def test_a_sink_that_fails_is_told_and_shows_in_the_exit_code(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    daemon = Daemon(Settings(source=SOURCE, sinks=("jsonl:/dev/null",), http="off"))

    def fails(_: list[Prediction]) -> int:
        raise ZeroDivisionError

    (worker,) = daemon._sinks  # noqa: SLF001 - as above
    monkeypatch.setattr(worker._sink, "write", fails)  # noqa: SLF001
    assert daemon.run() == 1
    assert "ZeroDivisionError" in caplog.text


@contextmanager
def running(daemon: Daemon) -> Iterator[None]:
    """A stream in a thread of its own."""
    thread = Thread(target=daemon.run)
    thread.start()
    try:
        yield
    finally:
        daemon.stop()
        thread.join()


def test_while_it_runs_the_collector_leaves_alone_what_was_there_before() -> None:
    with running(Daemon(Settings(source="sim:", sinks=("jsonl:/dev/null",), http="off"))):
        wait_for(gc.get_freeze_count)
    assert gc.get_freeze_count() == 0


def test_what_a_source_has_left_when_it_is_asked_to_end_goes_through_to_the_sinks(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    queues = QueueSettings(drain_s=60.0)  # of which it takes a moment, but where the machine is busy
    daemon = Daemon(Settings(source=SOURCE, sinks=("jsonl:/dev/null",), http="off", queues=queues))
    blocks, push, begun = daemon._feeder.source.blocks, daemon._engine.pipeline.push, Event()  # noqa: SLF001

    def holds_its_last_back(stop: Event) -> Iterator[Tick]:
        last = next(iter(blocks(stop)))
        begun.set()
        stop.wait()
        time.sleep(MOMENT_S)
        yield last

    def takes_its_time(tick: list[Block], now_s: float) -> list[Prediction]:
        time.sleep(MOMENT_S)
        return push(tick, now_s)

    monkeypatch.setattr(daemon._feeder.source, "blocks", holds_its_last_back)  # noqa: SLF001
    monkeypatch.setattr(daemon._engine.pipeline, "push", takes_its_time)  # noqa: SLF001
    with running(daemon):
        assert begun.wait(60)
    assert "samples in 2048 = used 1920" in caplog.text
    assert daemon.vitals().sinks[0].written == 28
    assert "do not balance" not in caplog.text


def test_what_an_engine_does_not_get_to_in_time_is_counted_as_dropped(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    settings = Settings(
        source="sim:?speed=20", sinks=("jsonl:/dev/null",), http="off", queues=QueueSettings(drain_s=0.5)
    )
    daemon = Daemon(settings)
    push, begun, go_on = daemon._engine.pipeline.push, Event(), Event()  # noqa: SLF001

    def is_stuck(tick: list[Block], now_s: float) -> list[Prediction]:
        begun.set()
        go_on.wait()
        return push(tick, now_s)

    monkeypatch.setattr(daemon._engine.pipeline, "push", is_stuck)  # noqa: SLF001
    with running(daemon):
        wait_for(lambda: begun.is_set() and daemon._engine.queue.blocks > 3)  # noqa: SLF001
    assert "shutdown " in caplog.text
    assert "engine_stuck " in caplog.text
    assert "do not balance" not in caplog.text
    assert daemon._engine.queue.buffered == 0  # noqa: SLF001
    go_on.set()


def beats(daemon: Daemon, times: int = 3) -> None:
    """Wait for beats of the engine."""
    for _ in range(times):
        before_s = daemon.engine_beat_s
        wait_for(lambda: daemon.engine_beat_s > before_s)  # noqa: B023 - it is waited for here


def test_an_engine_beats_while_nothing_comes(tmp_path: Path) -> None:
    daemon = Daemon(Settings(source=f"serial:{tmp_path / 'nowhere'}", sinks=("jsonl:/dev/null",), http="off"))
    with running(daemon):
        beats(daemon)


def test_an_engine_beats_while_a_reader_that_does_not_read_is_waited_for(tmp_path: Path) -> None:
    fifo = tmp_path / "labels"
    os.mkfifo(fifo)
    reader = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
    queues = QueueSettings(labels=10)
    daemon = Daemon(Settings(source="sim:?speed=max", sinks=(f"jsonl:{fifo}",), http="off", queues=queues))
    with running(daemon):

        def held_up() -> bool:
            before = daemon.vitals().sinks[0]
            return not Event().wait(0.3) and before == daemon.vitals().sinks[0] and before.waiting >= queues.labels

        wait_for(held_up)
        beats(daemon)
        os.close(reader)


def test_an_engine_that_is_stuck_beats_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    daemon = Daemon(Settings(source="sim:?speed=20", sinks=("jsonl:/dev/null",), http="off"))
    stuck, go_on = Event(), Event()

    def hangs(_blocks: list[Block], _now_s: float) -> list[Prediction]:
        stuck.set()
        go_on.wait()
        return []

    monkeypatch.setattr(daemon._engine.pipeline, "push", hangs)  # noqa: SLF001
    with running(daemon):
        assert stuck.wait(60)
        before_s = daemon.engine_beat_s
        assert not Event().wait(1.0)
        assert daemon.engine_beat_s == before_s
        go_on.set()
        beats(daemon)


def test_a_labels_way_begins_where_its_samples_came_in(monkeypatch: pytest.MonkeyPatch) -> None:
    daemon = Daemon(Settings(source=SOURCE, sinks=("jsonl:/dev/null",), http="off"))
    monkeypatch.setattr(daemon._feeder.source, "arrived_s", time.monotonic() - 100.0)  # noqa: SLF001
    assert daemon.run() == 0
    vitals = daemon.vitals()
    (sink,) = vitals.sinks
    assert sum(sink.latency.counts) == sink.written == sum(vitals.stream.labels.values()) > 50
    assert sink.latency.counts[-1] == sink.written, "all took more than a minute"
    assert 0 < sum(vitals.stream.inference.counts) <= sink.written


def test_single_devices_are_told_where_that_is_asked_for() -> None:
    for per_device in (0, 1):
        metrics = MetricsSettings(per_device=per_device)
        daemon = Daemon(Settings(source=SOURCE, sinks=("jsonl:/dev/null",), http="off", metrics=metrics))
        daemon.run()
        assert len(daemon.vitals().stream.of_devices) == per_device


@pytest.mark.parametrize(
    ("speed", "present"), [("max", Present(streaming=2)), ("50", Present(stale=2))], ids=["unpaced", "paced"]
)
def test_who_is_silent_is_stale_but_not_in_a_replay_as_fast_as_it_can(speed: str, present: Present) -> None:
    source = f"sim:?devices=2&speed={speed}&loop=no&script=walking:6"
    mqtt = MqttSettings(stale_after_s=1e-6)
    daemon = Daemon(Settings(source=source, sinks=("jsonl:/dev/null",), http="off", mqtt=mqtt))
    daemon.run()
    assert daemon.vitals().stream.present == present
