"""A lone device's ticks past the queue, in its source's thread: the same labels and books, whoever takes them."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from threading import Event, Thread

import numpy as np
import pytest

from har_stream.bench.line_port import LinePort
from har_stream.block_queue import FEW
from har_stream.daemon import Daemon
from har_stream.engine import BEAT_S, Engine
from har_stream.formats import frames
from har_stream.samples import Prediction, Samples, Tick
from har_stream.settings import Settings
from har_stream.shadow import Shadow
from har_stream.sinks.outlets import Outlets
from tests.broker import wait_for
from tests.motion import RATE_HZ, block, model, motion

VALUES = motion(2, 400)
ARRIVED_S = 12.5
ENOUGH = 250
HASTY = 120
"""Samples that need not come at their own pace: they complete no window."""


class Noted(Outlets):
    """Sinks that note who brings what."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings, source_waits=False, on_closed=lambda: None, announcer_of=lambda _: None)
        self.labels: list[tuple[float, str]] = []

    def put(self, predictions: list[Prediction], arrived_s: float = np.nan, **_: object) -> None:
        self.labels += [(one.end_s, one.label) for one in predictions]


@pytest.fixture
def settings() -> Settings:
    return Settings(source="sim:", sinks=("jsonl:/dev/null",), http="off")


@pytest.fixture
def sinks(settings: Settings) -> Noted:
    return Noted(settings)


@pytest.fixture
def engine(settings: Settings, sinks: Noted) -> Iterator[Engine]:
    one = Engine(settings, *model(), paced=True, live=None, recorder=None, keeper=None)
    thread = one.start(sinks)
    yield one
    one.queue.close()
    thread.join(10)
    assert not thread.is_alive()


def ticks(values: Samples, at_once: int) -> Iterator[Tick]:
    for at in range(0, len(values), at_once):
        yield [block(values[at : at + at_once], at)]


def balance(engine: Engine) -> int:
    return engine.accounting.balance(engine.queue.buffered + engine.pipeline.buffered)


def test_labels_and_books_are_the_same_as_through_the_queue(engine: Engine, settings: Settings, sinks: Noted) -> None:
    assert all(engine.pass_by(tick, ARRIVED_S) for tick in ticks(VALUES, 3))
    assert engine.queue.arrived_s == ARRIVED_S
    assert balance(engine) == 0
    other, others = Engine(settings, *model(), paced=True, live=None, recorder=None, keeper=None), Noted(settings)
    thread = other.start(others)
    for tick in ticks(VALUES, 3):
        other.queue.put(tick, ARRIVED_S)
    other.queue.close()
    thread.join(10)
    assert sinks.labels == others.labels
    assert len(sinks.labels) > 3
    assert engine.accounting.snapshot() == other.accounting.snapshot()


def test_who_has_seen_a_label_finds_it_in_the_books(
    engine: Engine, sinks: Noted, monkeypatch: pytest.MonkeyPatch
) -> None:
    readings: list[dict[str, int]] = []
    readers: list[Thread] = []

    def put(*_: object, **__: object) -> None:
        readers.append(Thread(target=lambda: readings.append(engine.books.read(patience_s=20).labels)))
        readers[-1].start()
        wait_for(engine.books._door.locked)  # noqa: SLF001 - nothing else tells that it waits

    note = engine.books.note

    def note_at_leisure(predictions: list[Prediction]) -> None:
        time.sleep(0.02)  # in which a reader would get in, if it could
        note(predictions)

    monkeypatch.setattr(sinks, "put", put)
    monkeypatch.setattr(engine.books, "note", note_at_leisure)
    for tick in ticks(VALUES, FEW):
        wait_for(partial(engine.pass_by, tick, ARRIVED_S))  # the engine's thread has its turns, too
    for reader in readers:
        reader.join(20)
    assert [sum(labels.values()) for labels in readings] == [1, 2, 3, 4, 5]


def test_while_a_source_waits_for_a_sink_the_books_can_be_read(
    settings: Settings, sinks: Noted, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, go_on = Event(), Event()

    def put(*_: object, **__: object) -> None:
        begun.set()
        go_on.wait(20)

    monkeypatch.setattr(sinks, "put", put)
    one = Engine(settings, *model(), paced=False, live=None, recorder=None, keeper=None)
    thread = one.start(sinks)
    one.queue.put([block(VALUES[:200])])
    assert begun.wait(20)
    reading = one.books.read(patience_s=5)
    assert (sum(reading.labels.values()), reading.books.samples_in) == (2, 200)
    go_on.set()
    one.queue.close()
    thread.join(20)


def test_what_is_long_waits_or_comes_too_late_does_not_pass(engine: Engine) -> None:
    assert engine.pass_by([block(VALUES[:FEW])], ARRIVED_S)
    assert not engine.pass_by([block(VALUES[: FEW + 1], FEW)], ARRIVED_S)
    assert engine.accounting.samples_in == FEW
    engine.queue.close()
    assert not engine.pass_by([block(VALUES[:1], FEW)], ARRIVED_S)
    assert balance(engine) == 0


def test_nothing_passes_what_the_engine_has_in_hand_or_waits(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    push, begun, go_on = engine.pipeline.push, Event(), Event()
    order = []

    def slow(tick: Tick, now_s: float) -> list[Prediction]:
        begun.set()
        go_on.wait(20)
        order.extend([one.sequence for one in tick])  # type: ignore[union-attr]  # all are SampleBlocks
        return push(tick, now_s)

    monkeypatch.setattr(engine.pipeline, "push", slow)
    engine.queue.put([block(VALUES[:1])])
    assert begun.wait(20)
    assert not engine.pass_by([block(VALUES[1:2], 1)], ARRIVED_S)
    engine.queue.put([block(VALUES[1:2], 1)])
    assert not engine.pass_by([block(VALUES[2:3], 2)], ARRIVED_S)
    go_on.set()
    wait_for(lambda: engine.queue.buffered == 0 and engine.pass_by([block(VALUES[2:3], 2)], ARRIVED_S))
    assert order == [0, 1, 2]
    assert balance(engine) == 0


def test_before_the_sinks_are_there_nothing_passes(settings: Settings) -> None:
    one = Engine(settings, *model(), paced=True, live=None, recorder=None, keeper=None)
    assert not one.pass_by([block(VALUES[:1])], ARRIVED_S)
    assert one.accounting.samples_in == 0


def test_who_fails_while_it_passes_is_the_engine(
    engine: Engine, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fails(*_: object) -> list[Prediction]:
        raise ZeroDivisionError

    monkeypatch.setattr(engine.pipeline, "push", fails)
    assert engine.pass_by([block(VALUES[:5])], ARRIVED_S)
    assert engine.failed
    wait_for(lambda: not engine.alive)
    engine.report()
    assert engine.accounting.dropped == {"engine_failed": 5}
    assert "engine: failed: ZeroDivisionError" in caplog.text
    assert "do not balance" not in caplog.text


@pytest.fixture
def go_on(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> Iterator[Event]:
    """What lets a thread go on that has passed by with five samples, and hangs."""
    begun, go_on = Event(), Event()

    def hangs(*_: object) -> list[Prediction]:
        begun.set()
        go_on.wait(20)
        return []

    monkeypatch.setattr(engine.pipeline, "push", hangs)
    source = Thread(target=engine.pass_by, args=([block(VALUES[:5])], ARRIVED_S))
    source.start()
    assert begun.wait(20)
    yield go_on
    go_on.set()
    source.join(20)


def test_a_thread_that_hangs_while_it_passes_is_told_and_stops_the_beat(engine: Engine, go_on: Event) -> None:
    before_s = engine.books.beat_s
    time.sleep(2 * BEAT_S)
    assert engine.books.beat_s == before_s
    go_on.set()
    wait_for(lambda: engine.books.beat_s > before_s)


@pytest.mark.usefixtures("go_on")
def test_what_a_thread_that_hangs_has_in_hand_at_the_end_is_counted(engine: Engine) -> None:
    engine.queue.close()
    wait_for(lambda: not engine.alive)
    engine.report()
    assert engine.accounting.dropped == {"engine_stuck": 5}


def test_where_something_waits_or_is_worked_on_there_is_no_rehearsal(
    engine: Engine, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    for name in ("run", "skip"):
        monkeypatch.setattr(engine._rehearsal, name, partial(asked.append, name))  # noqa: SLF001
    engine.rehearse()
    with engine._turn:  # noqa: SLF001
        engine.rehearse()
    idle = Engine(settings, *model(), paced=True, live=None, recorder=None, keeper=None)
    monkeypatch.setattr(idle, "_rehearsal", engine._rehearsal)  # noqa: SLF001
    idle.queue.put([block(VALUES[:1])])
    idle.rehearse()
    assert asked == ["run", "skip", "skip"]


@pytest.mark.parametrize("rehearse", [True, False])
def test_a_device_on_a_line_is_rehearsed_and_nothing_of_it_shows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, rehearse: bool
) -> None:
    played, play = list[int](), Shadow.play

    def noted(shadow: Shadow) -> list[bytes]:
        lines = play(shadow)
        played.append(len(lines))
        return lines

    monkeypatch.setattr(Shadow, "play", noted)
    labels, hop, samples = tmp_path / "labels", 32, 0
    with LinePort() as port:
        settings = Settings(
            source=port.source, sinks=(f"jsonl:{labels}",), model="seed-lstm", hop=hop, http="off", rehearse=rehearse
        )
        daemon = Daemon(settings)
        thread = Thread(target=daemon.run)
        thread.start()
        wait_for(lambda: daemon.up)
        begun_s = time.monotonic()
        while samples < ENOUGH or (rehearse and 1 not in played):  # where the machine is busy some come too late
            at_s = begun_s + max(0, samples - HASTY) / RATE_HZ
            time.sleep(max(0.0, at_s - time.monotonic()))
            start_ms = round(1000 * samples / RATE_HZ)
            port.send(frames.encode_samples(VALUES[:1], sequence=samples, start_ms=start_ms, rate_hz=50))
            samples += 1
        wait_for(lambda: daemon.vitals().stream.books.samples_in == samples)
        wait_for(lambda: daemon.vitals().sinks[0].written >= 1 + (samples - 129) // hop)  # what came last may wait
        stream, (sink,) = daemon.vitals().stream, daemon.vitals().sinks
        daemon.stop()
        thread.join(20)
    written = len(labels.read_bytes().splitlines())
    assert written == 1 + (samples - 129) // hop == sink.written
    assert sum(stream.inference.counts) == sum(stream.labels.values()) == written
    assert stream.books.used + stream.buffered == samples
    assert not stream.books.refused
    assert not stream.books.dropped
    assert (1 in played) == rehearse
    assert set(played) <= {0, 1}


def test_the_queue_is_for_everybody_else() -> None:
    """Two devices go through the queue."""
    daemon = Daemon(Settings(source="sim:?devices=2&speed=20", sinks=(f"jsonl:{os.devnull}",), http="off"))
    passed: list[Tick] = []
    daemon._feeder._bypass.pass_by = lambda tick, _: not passed.append(tick)  # type: ignore  # noqa: SLF001, PGH003
    thread = Thread(target=daemon.run)
    thread.start()
    wait_for(lambda: daemon.vitals().stream.books.samples_in > 0)
    daemon.stop()
    thread.join(20)
    assert passed == []
