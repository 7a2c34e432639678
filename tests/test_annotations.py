"""True labels while the stream runs: which samples they are given to, and when they end."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from har_stream import annotations as module
from har_stream.activities import CODE_BY_NAME
from har_stream.annotations import (
    LONGEST_SILENCE_S,
    NOT_RECORDED,
    Annotations,
    NotRecordedError,
    UnknownDeviceError,
)
from har_stream.datasets import read_recording
from har_stream.errors import ConfigError
from har_stream.samples import Block, FleetBlock, Refused, SampleBlock, TimedBlock, WindowBlock, singly
from tests.motion import block, motion
from tests.test_record_replay import recordings

SITTING, WALKING = CODE_BY_NAME["sitting"], CODE_BY_NAME["walking"]
VALUES = motion(1, 50)


class Said:
    """Annotations of devices phone and watch, at moments that a test chooses."""

    def __init__(self, *, limit: int = 8, refusal: str = "") -> None:
        self.now_s, self.refusal = 0.0, refusal
        self.known = {"phone", "watch"}
        self.of = Annotations(
            limit=limit, knows=lambda one: one in self.known, refusal=lambda: self.refusal, now=lambda: self.now_s
        )

    def say(self, activity: str | None, device: str = "phone", *, at_s: float) -> None:
        self.now_s = at_s
        self.of.say(device, activity)

    def truth(self, one: Block, arrived_s: float) -> int | None:
        """The one code that all samples of a block are given."""
        (given,) = singly(self.of.annotate([one], arrived_s))
        assert not isinstance(given, Refused)
        if given.truth is None:
            return None
        (code,) = set(given.truth.tolist())
        assert len(given.truth) == given.samples
        return int(code)


def at(second: int, device: str = "phone") -> SampleBlock:
    return block(VALUES, second * 50, device=device)


def test_what_arrived_before_it_was_said_is_not_labelled_however_long_it_waited() -> None:
    said = Said()
    said.say("walking", at_s=10.0)
    said.say("sitting", at_s=12.0)
    said.say(None, at_s=14.0)
    told = [said.truth(at(second), second + 0.5) for second in range(9, 16)]
    assert told == [None, WALKING, WALKING, SITTING, SITTING, None, None]


def test_it_is_the_samples_of_that_device_alone_and_nothing_else_of_a_tick_changes() -> None:
    said = Said()
    said.say("walking", at_s=0.0)
    timed = TimedBlock("phone", np.arange(50) / 50, VALUES)
    tick: list[Block] = [at(0, "watch"), timed, Refused("phone", "corrupt", 3), at(0)]
    other, labelled, refused, uniform = said.of.annotate(tick, 1.0)
    assert other is tick[0]
    assert refused is tick[2]
    assert isinstance(labelled, TimedBlock)
    assert isinstance(uniform, SampleBlock)
    assert labelled.values is timed.values
    assert set(labelled.truth.tolist()) == set(uniform.truth.tolist()) == {WALKING}  # type: ignore[union-attr]
    assert timed.truth is None


def test_a_stream_that_nobody_labels_passes_untouched() -> None:
    tick: list[Block] = [at(0)]
    assert Said().of.annotate(tick, 1.0) is tick


def test_where_nobody_knows_when_a_tick_arrived_it_is_now() -> None:
    said = Said()
    said.say("sitting", at_s=5.0)
    assert said.truth(at(0), math.nan) == SITTING


def test_what_a_person_says_goes_before_what_a_recording_says() -> None:
    said = Said()
    walked = SampleBlock("phone", 0, 0.0, 50.0, VALUES, np.full(50, WALKING, np.uint8))
    said.say("sitting", at_s=0.0)
    assert said.truth(walked, 1.0) == SITTING
    said.say(None, at_s=2.0)
    assert said.truth(walked, 3.0) == WALKING


def test_a_label_ends_when_the_device_was_silent_for_long() -> None:
    said = Said()
    said.say("sitting", at_s=0.0)
    assert said.truth(at(0), 1.0) == SITTING
    assert said.truth(at(60), 1.0 + LONGEST_SILENCE_S) == SITTING
    assert said.truth(at(200), 2.1 + 2 * LONGEST_SILENCE_S) is None
    said.say("walking", at_s=200.0)
    said.now_s += LONGEST_SILENCE_S + 0.1
    assert said.of.standing()["phone"].activity is None


def test_a_label_that_silence_ended_is_not_brought_back_by_the_next_one() -> None:
    said = Said()
    said.say("sitting", at_s=0.0)
    assert said.truth(at(0), 1.0) == SITTING
    said.say("walking", at_s=100.0)
    assert said.truth(at(99), 99.9) is None
    assert said.truth(at(100), 100.1) == WALKING


def test_seconds_are_gathered_by_the_devices_own_clock_and_gaps_are_none() -> None:
    said = Said()
    said.say("walking", at_s=0.0)
    for second in (0, 1, 2, 10, 11):
        said.truth(at(second), second / 8)  # eight times as fast as life
    said.say("sitting", at_s=12 / 8)
    timed = TimedBlock("phone", 12.5 + np.arange(25) / 50, VALUES[:25])
    said.truth(timed, 13 / 8)
    (one,) = said.of.standing().values()
    assert one.seconds == {"walking": pytest.approx(3.0), "sitting": pytest.approx(0.98)}
    assert one.activity == "sitting"


@pytest.mark.parametrize("rate_hz", [0.0, math.nan, math.inf])
def test_a_block_without_a_lawful_rate_harms_nothing(rate_hz: float) -> None:
    said = Said()
    said.say("walking", at_s=0.0)
    assert said.truth(SampleBlock("phone", 0, 0.0, rate_hz, VALUES), 1.0) == WALKING
    assert said.truth(at(0), 2.0) == WALKING
    assert said.of.standing()["phone"].seconds == {}


def test_what_cannot_be_taken_is_said_in_a_line() -> None:
    said = Said()
    with pytest.raises(ConfigError, match=r"^no activity 'siting' \(did you mean 'sitting'\?\)$"):
        said.of.say("phone", "siting")
    with pytest.raises(UnknownDeviceError, match=r"^no device 'fone' in the stream now$"):
        said.of.say("fone", "sitting")
    said.refusal = NOT_RECORDED
    with pytest.raises(NotRecordedError, match="--record FOLDER"):
        said.of.say("phone", "sitting")
    assert said.of.standing() == {}


def test_ready_made_windows_are_not_labelled_since_nothing_of_them_is_recorded() -> None:
    said = Said()
    said.say("walking", at_s=0.0)
    windows = WindowBlock("phone", np.zeros(1), np.zeros(1, np.bool_), np.zeros((1, 128, 9), np.float32), 64)
    assert said.of.annotate([windows], 1.0) == [windows]
    assert said.of.standing() == {}
    for _ in range(2):
        with pytest.raises(NotRecordedError, match="ready-made windows"):
            said.of.say("phone", "walking")
    assert said.of.annotate([windows], 2.0) == [windows]


def test_devices_with_ready_made_windows_are_not_remembered_without_bound() -> None:
    said = Said(limit=2)
    said.known.add("belt")
    for name in ("phone", "watch", "belt"):
        said.say("walking", name, at_s=0.0)
        windows = WindowBlock(name, np.zeros(1), np.zeros(1, np.bool_), np.zeros((1, 128, 9), np.float32), 64)
        said.of.annotate([windows], 1.0)
    assert list(said.of._devices) == ["watch", "belt"]  # noqa: SLF001 - nobody else tells


def test_memory_is_bounded_by_devices_and_by_what_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_WAITING", 4)
    said = Said(limit=1)
    said.say("walking", "watch", at_s=0.0)
    for second in range(100):
        said.say(("walking", "sitting")[second % 2], at_s=float(second))
    assert list(said.of.standing()) == ["phone"]
    assert len(said.of._devices["phone"].said) == 4  # noqa: SLF001 - nobody else tells
    assert said.truth(at(0), 99.5) == SITTING


def test_with_the_first_label_a_recording_with_labels_begins_and_goes_on_after_the_last(tmp_path: Path) -> None:
    said, store = Said(), recordings(tmp_path)
    spoken = {2: "walking", 4: None, 6: "sitting"}
    for second in range(8):
        if second in spoken:
            said.say(spoken[second], at_s=float(second))
        store.write([list(singly(said.of.annotate([at(second)], float(second))))])
    plain, labelled = sorted((read_recording(path) for path in tmp_path.iterdir()), key=lambda one: one.start_s)
    assert plain.truth is None
    assert (len(plain.values), labelled.start_s) == (100, 2.0)
    assert labelled.truth is not None
    assert labelled.truth.reshape(6, 50)[:, 0].tolist() == [WALKING, WALKING, 0, 0, SITTING, SITTING]
    assert store.files == 2


def test_a_label_that_came_and_went_between_two_writes_is_recorded(tmp_path: Path) -> None:
    said, store = Said(), recordings(tmp_path)
    said.say("walking", at_s=1.0)
    said.say(None, at_s=2.0)
    store.write([list(singly(said.of.annotate([at(second)], float(second)))) for second in range(3)])
    (path,) = tmp_path.iterdir()
    truth = read_recording(path).truth
    assert truth is not None
    assert truth.reshape(3, 50)[:, 0].tolist() == [0, WALKING, 0]


def test_a_device_of_a_fleet_is_given_what_was_said_of_it() -> None:
    said, first = Said(), np.zeros(2, np.int64)
    fleet = FleetBlock(["phone", "other"], first, first / 50.0, 50.0, np.zeros((2, 10, 6), np.float32))
    said.say("walking", at_s=0.0)
    given = {one.device: one for one in singly(said.of.annotate([fleet], 1.0)) if isinstance(one, SampleBlock)}
    assert given["other"].truth is None
    assert given["phone"].truth is not None
