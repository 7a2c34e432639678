"""What the engine leaves for pages, and what they get of it."""

from __future__ import annotations

import math

import numpy as np
import pytest

from har_stream.activities import ACTIVITIES
from har_stream.closeup import Cursor
from har_stream.live import Live
from har_stream.manifest import load_manifest, resolve
from har_stream.samples import Prediction, Refused, SampleBlock, Settled
from har_stream.taps import Tapped, Taps
from tests.predictions import packed

FRAMING = load_manifest(resolve("sway-lstm")).framing
HOP_S = FRAMING.hop / FRAMING.rate_hz


def prediction(device: str, number: int, label: str = "walking", since_s: float = 0.0) -> Prediction:
    start_s = number * HOP_S
    shares = packed(*(0.95 if name == label else 0.01 for name in ACTIVITIES))
    settled = Settled(start_s, start_s + HOP_S, label)
    return Prediction(device, start_s, start_s + 2.54, label, label, ACTIVITIES, shares, settled, since_s=since_s)


class Engine:
    """Brings ticks to a Live as the engine does."""

    def __init__(self, limit: int = 10) -> None:
        self.live = Live(limit=limit, labels=ACTIVITIES, framing=FRAMING)
        self.taps = Taps(lambda _: 0, rate_hz=50.0)
        self.now_s = 0.0

    def tick(self, *predictions: Prediction, blocks: tuple[SampleBlock | Refused, ...] = ()) -> None:
        self.now_s += 1.0
        self.live.note(
            blocks,
            predictions,
            self.taps,
            lambda _: np.array([1.0, 0.0, 0.0]),
            lambda device: device != "stranger",
            arrived_s=self.now_s - 0.01,
            now_s=self.now_s,
        )


def block(device: str) -> SampleBlock:
    return SampleBlock(device, 0, 0.0, 50.0, np.zeros((10, 6), np.float32))


def test_a_page_gets_every_device_once_and_then_what_has_changed() -> None:
    engine = Engine()
    engine.tick(prediction("a", 0), prediction("b", 0, "sitting"))
    mark, rows = engine.live.since(0, 5.0)
    assert [(row.device, row.label, row.shares[0], row.age_s) for row in rows] == [
        ("a", "walking", 95, 4.0),
        ("b", "sitting", 1, 4.0),
    ]
    assert engine.live.since(mark, 5.0) == (mark, [])
    engine.tick(prediction("a", 1))
    (row,) = engine.live.since(mark, 5.0)[1]
    assert row.device == "a"


def test_the_time_in_the_activity_is_that_of_the_newest_window() -> None:
    engine = Engine()
    engine.tick(prediction("a", 0), prediction("a", 4, since_s=2.54 + HOP_S))
    assert engine.live.since(0, 0.0)[1][0].seconds == pytest.approx(3 * HOP_S)


def test_the_longest_silent_give_way_and_are_counted() -> None:
    engine = Engine(limit=3)
    for device in "abcde":
        engine.tick(prediction(device, 0))
    assert [row.device for row in engine.live.since(0, 0.0)[1]] == ["c", "d", "e"]
    assert engine.live.generation == 2


def test_a_device_without_a_label_is_seen_while_a_page_is_open_if_it_has_a_place() -> None:
    engine = Engine()
    engine.tick(blocks=(block("new"),))
    assert engine.live.since(0, 0.0)[1] == []
    with engine.live.look(""):
        engine.tick(blocks=(block("new"), block("stranger")))
        assert [(row.device, row.label) for row in engine.live.since(0, 0.0)[1]] == [("new", None)]


def test_samples_are_asked_for_while_a_page_is_open_on_their_device() -> None:
    engine = Engine()
    engine.tick(prediction("a", 0))
    with engine.live.look("a"), engine.live.look("a"):
        engine.tick()
        assert engine.taps.wanted == {"a"}
    engine.tick()
    assert engine.taps.wanted == frozenset()
    assert engine.live.closeup("a", Cursor()) is None


def test_a_page_sees_its_device_from_near_and_each_sample_once() -> None:
    engine, cursor = Engine(), Cursor()
    with engine.live.look("a"):
        engine.tick(prediction("a", 0), prediction("a", 5), blocks=(block("a"), Refused("a", "crc", 2)))
        engine.taps._found.append(Tapped("a", 0.0, np.full((3, 9), 0.5, np.float32)))  # noqa: SLF001 - as a pipeline would
        engine.tick()
        told = engine.live.closeup("a", cursor)
        assert told is not None
        assert (told["gaps"], told["refused"], told["latency_ms"]) == (1, 2, pytest.approx(10.0))
        assert told["lost_s"] == pytest.approx(5 * HOP_S - 2.54)
        assert told["signals"]["times_s"] == [0.0, 0.02, 0.04]
        assert told["signals"]["columns"][3] == [0.0, 0.0, 0.0], "gravity is total less body acceleration"
        assert [label for *_, label in told["ribbon"]["spans"]] == ["walking", "walking"]
        assert told["posture"]["learned"] is True
        again = engine.live.closeup("a", cursor)
        assert again is not None
        assert (again["signals"], again["ribbon"]) == (None, None)


def test_a_page_is_told_where_the_hour_began_anew() -> None:
    engine, cursor = Engine(), Cursor()
    with engine.live.look("a"):
        engine.tick(prediction("a", 50))
        engine.live.closeup("a", cursor)
        engine.tick(prediction("a", 0, "sitting"))
        told = engine.live.closeup("a", cursor)
        assert told is not None
        assert (told["ribbon"]["anew"], len(told["ribbon"]["spans"])) == (True, 1)


def test_a_latency_that_is_not_known_is_none() -> None:
    engine = Engine()
    with engine.live.look("a"):
        engine.live.note(
            (), [prediction("a", 0)], engine.taps, lambda _: None, lambda _: True, arrived_s=math.nan, now_s=1.0
        )
        told = engine.live.closeup("a", Cursor())
        assert told is not None
        assert told["latency_ms"] is None
