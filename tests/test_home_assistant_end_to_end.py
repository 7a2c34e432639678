"""The real command announces simulated people on a real Mosquitto, and takes them away again."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from har_stream.home_assistant.removal import remove
from har_stream.settings import Settings
from tests.broker import Broker, Listener, wait_for
from tests.home_assistant_schema import faults
from tests.mqtt_receiver import publisher
from tests.stream_process import end, run, running

CONFIGS = [f"homeassistant/device/har_sim0{number}/config" for number in (1, 2)]
STATE = "har/sim01/state"
PEOPLE = "sim:?devices=2&speed=4&script=walking:8,sitting:8"
START_S = 60.0


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    one = Broker(tmp_path)
    one.start()
    yield one
    one.stop()


@contextmanager
def listening(broker: Broker) -> Iterator[Listener]:
    listener = Listener(broker.port)
    try:
        yield listener
    finally:
        listener.close()


def uri(broker: Broker) -> str:
    return f"mqtt://127.0.0.1:{broker.port}/har"


def retained(broker: Broker) -> dict[str, str]:
    """What a client gets that comes now."""
    with listening(broker) as listener, publisher(broker.port) as client:
        client.publish("the/last", "x", qos=1)
        wait_for(lambda: listener.payloads("the/last"))
        return {topic: payload for topic, payload, is_retained in listener.heard if is_retained}


def states(listener: Listener) -> list[dict[str, Any]]:
    return [json.loads(payload) for payload in listener.payloads(STATE)]


def test_devices_are_announced_told_announced_again_and_removed(broker: Broker, tmp_path: Path) -> None:
    words = ("--source", PEOPLE, "--sink", uri(broker), "--home-assistant", "--state", str(tmp_path))
    with listening(broker) as listener, running(*words) as process:
        wait_for(lambda: {state["activity"] for state in states(listener)} >= {"walking", "sitting"}, START_S)
        wait_for(lambda: states(listener)[-1]["minutes_today"]["walking"] > 0, START_S)
        assert [len(listener.payloads(topic)) for topic in CONFIGS] == [1, 1]
        with publisher(broker.port) as client:
            client.publish("homeassistant/status", "online", qos=1)
            wait_for(lambda: [len(listener.payloads(topic)) for topic in CONFIGS] == [2, 2])
        assert end(process).code == 0
    held = retained(broker)
    payload = json.loads(held[CONFIGS[0]])
    assert faults(payload) == []
    topics = {entry["topic"] for entry in payload["availability"]}
    assert {held[topic] for topic in topics} == {"offline"}
    assert {component["state_topic"] for component in payload["components"].values()} <= set(held)
    kept = json.loads((tmp_path / "devices.json").read_text())["devices"]["sim01"]["days"]
    (seconds,) = kept.values()
    assert seconds["walking"] > 0
    _all_are_removed(broker)


def _all_are_removed(broker: Broker) -> None:
    with publisher(broker.port) as client:
        client.publish("homeassistant/device/other_sim01/config", "{}", qos=1, retain=True).wait_for_publish(10)
    assert remove(uri(broker), Settings(), ("sim02",), own_topics=False) == ["sim02"]
    assert CONFIGS[1] not in retained(broker)
    assert CONFIGS[0] in retained(broker)
    assert (
        run("home-assistant", "remove", "--sink", uri(broker), "--topics").output == b"removed sim01\nremoved sim02\n"
    )
    assert set(retained(broker)) == {"har/status", "homeassistant/device/other_sim01/config"}
    assert remove(uri(broker), Settings(), (), own_topics=True) == []


def test_days_go_on_after_a_restart(broker: Broker, tmp_path: Path) -> None:
    words = ("--sink", uri(broker), "--home-assistant", "--state", str(tmp_path))
    source = "sim:?devices=1&speed=20&loop=no&script=laying:"
    with listening(broker) as listener:
        assert run("--source", f"{source}60", *words).code == 0
        wait_for(lambda: listener.payloads("har/status") == ["online", "offline"])  # its last words
        before = states(listener)[-1]["minutes_today"]["laying"]
        assert before > 0.5
        assert run("--source", f"{source}30", *words).code == 0
        wait_for(lambda: listener.payloads("har/status") == ["online", "offline"] * 2)
        assert states(listener)[-1]["minutes_today"]["laying"] > before + 0.2


def test_it_is_off_unless_asked_for(broker: Broker) -> None:
    assert run("--source", "sim:?devices=1&speed=20&loop=no&script=laying:20", "--sink", uri(broker)).code == 0
    assert set(retained(broker)) == {"har/status", "har/sim01/activity", "har/sim01/availability"}
