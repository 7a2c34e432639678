"""How a source that runs gives way to another."""

from __future__ import annotations

import time
from collections.abc import Iterator
from threading import Event

import numpy as np
import pytest

from har_stream.accounting import Accounting
from har_stream.block_queue import BlockQueue
from har_stream.feeder import Feeder
from har_stream.manifest import Framing
from har_stream.progress import Progress
from har_stream.samples import Block, SampleBlock, Tick
from har_stream.sources.source import CONNECTED, CONNECTING
from har_stream.vigil import ASLEEP, Vigil

PATIENCE_S = 60.0
BLOCK = SampleBlock("a", 0, 0.0, 50.0, np.zeros((1, 6), np.float32))


class FakeSource:
    """Brings a block, goes on until it is stopped or `ends`, and notes both."""

    paced = True
    devices: int | None = None
    queue: tuple[int, int] | None = None
    vigil = ASLEEP
    progress: Progress | None = None

    def __init__(self, name: str = "a", noted: list[str] | None = None, *, reconnects: int = 0) -> None:
        self.name, self.noted = name, noted if noted is not None else []
        self.reconnects, self.condition = reconnects, CONNECTED
        self.arrived_s: float | None = None
        self.ends = Event()

    def fit(self, framing: Framing) -> None:
        pass

    def blocks(self, stop: Event) -> Iterator[list[Block]]:
        self.noted.append(f"{self.name} begins")
        yield [BLOCK]
        while not (stop.wait(0.01) or self.ends.is_set()):
            pass
        time.sleep(0.05)  # a port takes a moment to be let go
        self.noted.append(f"{self.name} ends")


def feeder(source: FakeSource) -> tuple[Feeder, BlockQueue]:
    queue = BlockQueue(limit=10, paced=True, accounting=Accounting())
    return Feeder(source, source.name, queue), queue


def test_the_old_lets_go_before_the_next_begins_and_the_stream_goes_on() -> None:
    noted: list[str] = []
    one, queue = feeder(FakeSource("a", noted))
    one.start()
    assert queue.get(PATIENCE_S)
    last = FakeSource("b", noted)
    one.replace(last, "b")
    assert queue.get(PATIENCE_S)  # None, were the queue closed with the old
    assert noted == ["a begins", "a ends", "b begins"]
    assert one.source == last
    last.ends.set()
    assert queue.get(PATIENCE_S) is None
    assert not one.failed


def test_a_source_that_is_asked_to_end_leaves_the_queue_to_who_asked() -> None:
    one, queue = feeder(FakeSource())
    one.start()
    assert queue.get(PATIENCE_S)
    one.stop()
    one.thread.join(PATIENCE_S)
    assert queue.get(0) == []


def test_how_often_sources_were_lost_is_counted_on() -> None:
    one, _ = feeder(FakeSource(reconnects=2))
    one.start()
    assert one.reconnects == 2
    one.replace(FakeSource(reconnects=3), "b")
    one.replace(FakeSource(reconnects=1), "c")
    assert one.reconnects == 6
    one.stop()
    one.thread.join(PATIENCE_S)


@pytest.mark.parametrize(("condition", "told"), [(CONNECTED, ""), ("", ""), (CONNECTING, CONNECTING)])
def test_only_what_keeps_samples_away_is_told(condition: str, told: str) -> None:
    source = FakeSource()
    source.condition = condition
    assert feeder(source)[0].condition == told


def test_samples_arrived_when_the_source_says_so_else_now() -> None:
    for arrived_s in (12.5, None):
        source = FakeSource()
        source.arrived_s = arrived_s
        one, queue = feeder(source)
        begun_s = time.monotonic()
        one.start()
        assert queue.get(PATIENCE_S)
        if arrived_s is None:
            assert begun_s <= queue.arrived_s <= time.monotonic()
        else:
            assert queue.arrived_s == arrived_s
        one.stop()
        one.thread.join(PATIENCE_S)


def test_a_source_that_fails_is_told_and_ends_the_stream(caplog: pytest.LogCaptureFixture) -> None:
    source = FakeSource()
    source.noted = None  # type: ignore[assignment]  # so that it fails
    one, queue = feeder(source)
    one.start()
    assert queue.get(PATIENCE_S) is None
    assert one.failed
    assert "source a: failed: AttributeError" in caplog.text


class FakeBypass:
    """Takes what it is told to, and notes what it is asked for."""

    vigil = Vigil(7.5)

    def __init__(self, *, passes: bool) -> None:
        self.passes, self.passed, self.rehearsed = passes, 0, 0

    def pass_by(self, tick: Tick, arrived_s: float) -> bool:
        assert (tick, arrived_s) == ([BLOCK], 12.5)
        self.passed += 1
        return self.passes

    def rehearse(self) -> None:
        self.rehearsed += 1


class LoneSource(FakeSource):
    """Brings a block, then nothing, twice, and ends."""

    devices: int | None = 1
    arrived_s: float | None = 12.5
    vigils: tuple[Vigil, ...] = ()

    def __init__(self) -> None:
        super().__init__()
        self.arrived_s = 12.5

    def blocks(self, stop: Event) -> Iterator[list[Block]]:
        ticks: list[list[Block]] = [[BLOCK], [], []]
        for tick in ticks:
            yield tick
            self.vigils = (*self.vigils, self.vigil)


@pytest.mark.parametrize("passes", [True, False])
def test_a_lone_devices_ticks_pass_by_the_queue_if_they_can_and_lulls_are_used(*, passes: bool) -> None:
    source, bypass = LoneSource(), FakeBypass(passes=passes)
    queue = BlockQueue(limit=10, paced=True, accounting=Accounting())
    one = Feeder(source, "a", queue, bypass=bypass)
    one.start()
    one.thread.join(PATIENCE_S)
    assert not one.failed
    assert (bypass.passed, bypass.rehearsed) == (1, 2)
    assert source.vigils == (Vigil(7.5),) * 3
    assert queue.get(0) == (None if passes else [BLOCK])


def test_a_source_of_several_devices_passes_nothing_by() -> None:
    source, bypass = LoneSource(), FakeBypass(passes=True)
    source.devices = None
    queue = BlockQueue(limit=10, paced=True, accounting=Accounting())
    one = Feeder(source, "a", queue, bypass=bypass)
    one.start()
    one.thread.join(PATIENCE_S)
    assert (bypass.passed, bypass.rehearsed) == (0, 0)
    assert source.vigils == (ASLEEP,) * 3
    assert queue.get(0) == [BLOCK]
