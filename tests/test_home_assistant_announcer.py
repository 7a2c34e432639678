"""When Home Assistant is told what, with a channel that only notes it."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from msgspec.structs import replace

from har_stream.activities import ACTIVITIES
from har_stream.home_assistant.announcer import Announcer
from har_stream.home_assistant.timetable import ANNOUNCED_A_SECOND, LONGEST_DELAY_S, Timetable
from har_stream.mqtt.connection import Received
from har_stream.samples import Settled
from har_stream.settings import HomeAssistantSettings
from har_stream.today import Today
from tests.predictions import prediction

MIDNIGHT_S = datetime(2026, 3, 15, tzinfo=UTC).timestamp()
EVENING_S = MIDNIGHT_S - 60
EVERY_S = 10.0


class Channel:
    """Notes what is announced."""

    prefix = "har"

    def __init__(self) -> None:
        self.told: list[tuple[str, str]] = []
        self.gone: list[str] = []
        self.listens: dict[str, Callable[[list[Received]], None]] = {}

    def announce(self, topic: str, payload: str) -> None:
        self.told.append((topic, payload))

    def forget(self, topic: str) -> None:
        self.gone.append(topic)

    def subscribe(self, topic_filter: str, on_messages: Callable[[list[Received]], None]) -> None:
        self.listens[topic_filter] = on_messages

    def topics(self) -> list[str]:
        told, self.told = [topic for topic, _ in self.told], []
        return told


class Room:
    """An announcer, what it reads, and whom it tells."""

    def __init__(self, limit: int = 8, prefix: str = "homeassistant") -> None:
        self.channel, self.today = Channel(), Today(limit=limit, zone=UTC)
        settings = HomeAssistantSettings(enabled=True, state_every_s=EVERY_S, discovery_prefix=prefix)
        self.announcer = Announcer(self.channel, self.today, settings, labels=ACTIVITIES, model="m", limit=limit)

    def label(self, device: str, label: str, end_s: float = 100.0, wall_s: float = EVENING_S) -> None:
        settled = Settled(end_s - 1.28, end_s, label)
        self.today.note([], [replace(prediction(device, end_s, label, settled=settled), wall_s=wall_s)], now_s=0.0)


CONFIG, STATE = "homeassistant/device/har_watch/config", "har/watch/state"


def test_a_new_device_is_announced_once_and_its_state_told_on_change_or_now_and_then() -> None:
    room = Room()
    for now_s, label, expected in [
        (0.0, "walking", [CONFIG, STATE]),
        (1.0, "walking", []),
        (2.0, "sitting", [STATE]),
        (3.0, "walking", [STATE]),
        (12.9, "walking", []),
        (13.1, "walking", [STATE]),
    ]:
        room.label("watch", label, 100 + now_s)
        room.announcer.look(now_s, EVENING_S)
        assert room.channel.topics() == expected
    room.announcer.look(100.0, EVENING_S)
    assert room.channel.topics() == []


def test_midnight_tells_that_the_day_is_new() -> None:
    room = Room()
    room.label("watch", "walking")
    room.announcer.look(0.0, EVENING_S)
    room.announcer.look(0.1, EVENING_S)
    room.channel.told.clear()
    room.announcer.look(1.0, MIDNIGHT_S + 1)
    ((topic, payload),) = room.channel.told
    assert (topic, json.loads(payload)["minutes_today"]["walking"]) == (STATE, 0.0)


def test_a_state_that_was_told_is_not_told_again_at_the_end_and_a_newer_one_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "time", lambda: EVENING_S)
    room = Room()
    room.label("watch", "walking")
    room.announcer.look(time.monotonic(), EVENING_S)
    room.label("belt", "sitting")
    room.announcer.look(time.monotonic(), EVENING_S)
    room.label("belt", "sitting", 101.28)
    assert room.channel.topics().count(STATE) == 1
    room.announcer.start()
    room.announcer.finish(time.monotonic() + 10)
    assert set(room.channel.topics()) == {"har/belt/state"}


def test_all_are_announced_again_when_home_assistant_comes_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(random, "random", lambda: 1.0)  # this daemon waits for longest
    room = Room()
    room.announcer.start()
    on_status = room.channel.listens["homeassistant/status"]
    room.announcer.finish(time.monotonic() + 10)
    for device in ("a", "b"):
        room.label(device, "walking")
    room.announcer.look(0.0, EVENING_S)
    room.channel.told.clear()
    on_status([Received("homeassistant/status", b"offline", retained=False, arrival_s=0.0)])
    room.announcer.look(1.0, EVENING_S)
    room.announcer.look(50.0, EVENING_S)
    assert room.channel.topics() == []
    on_status([Received("homeassistant/status", b"online", retained=False, arrival_s=0.0)])
    room.announcer.look(100.0, EVENING_S)
    room.announcer.look(100.0 + LONGEST_DELAY_S - 0.1, EVENING_S)
    assert room.channel.topics() == []
    room.announcer.look(100.0 + LONGEST_DELAY_S + 1, EVENING_S)
    assert sorted(room.channel.topics()) == [f"homeassistant/device/har_{device}/config" for device in ("a", "b")]


def test_home_assistant_may_listen_under_another_prefix() -> None:
    room = Room(prefix="house/ha")
    room.label("watch", "walking")
    room.announcer.start()
    room.announcer.finish(time.monotonic() + 10)
    assert set(room.channel.topics()) == {"house/ha/device/har_watch/config", STATE}
    assert list(room.channel.listens) == ["house/ha/status"]


def test_who_was_told_longest_ago_gives_way() -> None:
    table = Timetable(every_s=EVERY_S, limit=2)
    for now_s, device in enumerate(("a", "b", "a", "c")):
        table.due(device, str(now_s), float(now_s))
    assert table.forgotten() == ["b"]
    assert table.devices == ["a", "c"]


def test_memory_is_bounded_by_the_devices_there_is_room_for() -> None:
    room = Room(limit=2)
    for number in range(5):
        room.label(f"d{number}", "walking")
        room.announcer.look(float(number), EVENING_S)
    topics = [f"homeassistant/device/har_d{number}/config" for number in range(3)]
    assert [topic for topic in room.channel.gone if topic.endswith("config")] == topics
    assert [topic for topic in room.channel.gone if topic not in topics] == [
        "har/d0/state",
        "har/d1/state",
        "har/d2/state",
    ]
    room.channel.told.clear()
    room.label("d0", "walking", 101.0)
    room.announcer.look(9.0, EVENING_S)
    assert room.channel.topics() == [topics[0], "har/d0/state"]


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_a_house_full_of_devices_does_not_speak_at_once(share: float) -> None:
    devices = [f"d{number}" for number in range(200)]
    table = Timetable(every_s=EVERY_S, limit=1000)
    for device in devices:
        assert table.due(device, "walking", 0.0)
    table.announce_all(10.0, share=share)
    begin_s = 10.0 + share * LONGEST_DELAY_S
    assert table.to_announce(begin_s - 0.01) == []
    told: list[str] = []
    for step in range(60):
        told += table.to_announce(begin_s + step * 0.1)
        assert len(told) <= 1 + (step * 0.1) * ANNOUNCED_A_SECOND + 1
    assert told == devices
    table.announce_all(20.0, share=0.0)
    assert len(table.to_announce(1e6)) == len(devices)
