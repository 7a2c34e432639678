"""Rehearsals: when they are, when they are not, and that nothing comes of them."""

from __future__ import annotations

import math

import msgspec
import numpy as np
import pytest
from numpy.typing import NDArray

from har_stream.accounting import Accounting
from har_stream.denoising import DELAY_SAMPLES
from har_stream.pipeline import Pipeline
from har_stream.rehearsal import FIRST_TOOK_S, MOST_LATE_S, REST, RUNS, SELDOM_S, Rehearsal
from har_stream.samples import Refused, SampleBlock, Samples, Tick, TimedBlock
from har_stream.settings import IntakeSettings
from har_stream.vigil import ASLEEP
from tests.motion import RATE_HZ, block, model, motion

MANIFEST, CLASSIFIER = model()
HOP = MANIFEST.framing.hop
FIRST = MANIFEST.framing.window + DELAY_SAMPLES
"""So many samples complete the first window."""
TAKES_S = 1e-3


class Clock:
    """Time that passes where it is told to, and with each window that is classified."""

    def __init__(self) -> None:
        self.now_s = 0.0
        self.windows = 0
        self.takes_s = TAKES_S
        self.fails = False

    def probabilities(self, windows: Samples) -> NDArray[np.float32]:
        self.now_s += self.takes_s
        self.windows += len(windows)
        if self.fails:
            raise ZeroDivisionError
        return CLASSIFIER.probabilities(windows)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    one = Clock()
    monkeypatch.setattr("har_stream.rehearsal.time.monotonic", lambda: one.now_s)
    return one


class Device:
    """A device that sends a sample each 20 ms, and the pipeline that takes them."""

    def __init__(self, clock: Clock, hop: int = HOP) -> None:
        framing = msgspec.structs.replace(MANIFEST.framing, hop=hop)
        manifest = msgspec.structs.replace(MANIFEST, framing=framing)
        self.rehearsal = Rehearsal(manifest, clock, IntakeSettings())
        self._clock, self._pipeline = clock, Pipeline(manifest, CLASSIFIER, IntakeSettings(), Accounting())
        self._values, self.sent, self.timed, self.jitter_s = motion(1, 2000), 0, False, 0.0
        self.late_s = 0.0

    def send(self, samples: int = 1) -> None:
        for _ in range(samples):
            self._clock.now_s = self.sent / RATE_HZ + self.jitter_s * (self.sent % 2)
            one = block(self._values[self.sent : self.sent + 1], self.sent)
            tick: Tick = [TimedBlock(one.device, np.array([one.start_s]), one.values, RATE_HZ) if self.timed else one]
            self.rehearsal.note(tick, self._clock.now_s, self._pipeline.push(tick, self._clock.now_s))
            self.sent += 1

    def live(self, labels: int) -> list[float]:
        """Have so many labels, and lulls before each; return when windows were classified in the last lull."""
        runs: list[float] = []
        for _ in range(labels):
            self.send(HOP - 1)
            runs = self.lull()
            self.send()
        return runs

    @property
    def due_s(self) -> float:
        """When the next sample comes."""
        return self.sent / RATE_HZ

    def lull(self, until_s: float | None = None) -> list[float]:
        """Do what a source does until the next sample comes; return when each window was classified."""
        runs = []
        until_s = self.due_s if until_s is None else until_s
        while (wake_s := self.rehearsal.vigil.wake_s) < until_s:
            self._clock.now_s = max(self._clock.now_s, wake_s + self.late_s * (not self.rehearsal.vigil.awake))
            before = self._clock.windows
            self.rehearsal.run()
            runs += [self._clock.now_s] * (self._clock.windows - before)
        return runs


def test_the_last_thing_before_a_window_is_complete_are_rehearsals(clock: Clock) -> None:
    device = Device(clock)
    device.send(FIRST)
    for _ in range(20):
        device.send(HOP - 2)
        assert device.lull() == []
        device.send()
        assert not device.rehearsal.vigil.awake
        runs = device.lull()
        assert len(runs) >= RUNS
        assert device.due_s - 2 * FIRST_TOOK_S < runs[0] < runs[-1] < device.due_s + TAKES_S
        assert device.rehearsal.vigil.awake, "for what was rehearsed"
        device.send()
    # By now it is known how long they take.
    device.send(HOP - 1)
    assert device.due_s - device.lull()[0] < (RUNS + 0.2) * TAKES_S


def test_once_a_sample_may_come_nothing_is_in_its_way_for_half_of_the_time_and_after_a_while_no_more(
    clock: Clock,
) -> None:
    device = Device(clock)
    device.send(FIRST)
    for _ in range(20):
        device.send(HOP)
    device.send(HOP - 1)
    runs = [run_s for run_s in device.lull(device.due_s + 1.0) if run_s > device.due_s + TAKES_S]
    assert len(runs) >= 2
    assert np.diff(runs).min() >= (1 + REST) * TAKES_S * 0.999
    assert runs[-1] < device.due_s + MOST_LATE_S + TAKES_S
    assert device.rehearsal.vigil == ASLEEP


def test_a_device_that_sends_blocks_of_another_kind_is_rehearsed_as_that(clock: Clock) -> None:
    device = Device(clock)
    device.send(FIRST + HOP - 1)
    assert len(device.lull()) >= RUNS
    device.timed = True
    device.send(1 + FIRST + HOP - 2)
    assert len(device.lull()) >= RUNS


def test_where_it_is_too_late_there_is_none(clock: Clock) -> None:
    device = Device(clock)
    device.send(FIRST + HOP - 1)
    before = clock.windows
    clock.now_s = device.due_s + MOST_LATE_S
    device.rehearsal.run()
    assert clock.windows == before
    assert device.rehearsal.vigil.wake_s == math.inf


def test_between_any_two_samples_there_is_a_time_to_wake(clock: Clock) -> None:
    device = Device(clock)
    for _ in range(FIRST + HOP):
        device.send()
        assert device.rehearsal.vigil.wake_s > clock.now_s - FIRST_TOOK_S
        device.lull()


def test_a_block_of_no_rate_or_time_is_nobodys_pace(clock: Clock) -> None:
    device = Device(clock)
    device.send(FIRST)
    values = motion(1, 2)
    for bad in (SampleBlock("a", 0, 0.0, 0.0, values), TimedBlock("a", np.array([0.0, np.inf]), values)):
        device.rehearsal.note([bad], clock.now_s, [])
        assert device.rehearsal.vigil.wake_s == math.inf


def test_it_is_not_run_before_it_is_time(clock: Clock) -> None:
    device = Device(clock)
    device.send(FIRST + 1)
    before, wake_s = clock.windows, device.rehearsal.vigil.wake_s
    device.rehearsal.run()
    assert (clock.windows, device.rehearsal.vigil.wake_s) == (before, wake_s)


def test_who_sends_irregularly_is_not_rehearsed(clock: Clock) -> None:
    device = Device(clock)
    device.jitter_s = MOST_LATE_S
    device.send(FIRST + HOP - 1)
    assert device.rehearsal.vigil == ASLEEP
    assert device.lull() == []


def test_who_always_wakes_late_is_woken_earlier(clock: Clock) -> None:
    device = Device(clock)
    device.late_s = 1.5 * TAKES_S
    device.send(FIRST)
    runs = device.live(20)
    assert len([run_s for run_s in runs if run_s <= device.due_s - 1 / RATE_HZ + TAKES_S / 2]) >= RUNS


def test_runs_that_take_long_begin_no_earlier_for_it(clock: Clock) -> None:
    device = Device(clock)
    clock.takes_s = 0.49 * FIRST_TOOK_S
    device.send(FIRST)
    for _ in range(20):
        device.send(HOP - 1)
        assert device.rehearsal.vigil.wake_s > device.due_s - FIRST_TOOK_S - TAKES_S
        assert len(device.lull(device.due_s + 1.0)) == RUNS
        device.send()


def test_who_has_something_else_to_do_skips_one_label(clock: Clock) -> None:
    device = Device(clock)
    device.send(FIRST + HOP - 1)
    device.rehearsal.skip()
    assert device.rehearsal.vigil.wake_s == math.inf
    device.send(1 + HOP - 1)
    assert len(device.lull()) >= RUNS


def test_before_the_first_label_and_of_what_is_no_sample_nothing_is_rehearsed(clock: Clock) -> None:
    device = Device(clock)
    device.send(FIRST - 1)
    device.rehearsal.note([Refused("a", "crc")], clock.now_s, [])
    device.rehearsal.note([block(motion(1, 0), device.sent)], clock.now_s, [])
    assert device.rehearsal.vigil.wake_s == math.inf
    assert clock.windows == 0


def test_labels_in_quick_succession_are_not_rehearsed(clock: Clock) -> None:
    device = Device(clock, hop=round(SELDOM_S * RATE_HZ) - 1)
    device.send(FIRST + 3 * HOP)
    assert device.rehearsal.vigil.wake_s == math.inf
    assert clock.windows == 0


def test_a_fault_of_a_rehearsal_is_told_once_and_ends_them(clock: Clock, caplog: pytest.LogCaptureFixture) -> None:
    device = Device(clock)
    device.send(FIRST + HOP - 1)
    clock.fails = True
    device.lull()
    device.send(3 * HOP)
    assert device.rehearsal.vigil.wake_s == math.inf
    (record,) = caplog.records
    assert record.getMessage() == ("labels are not rehearsed any more: ZeroDivisionError()")
