"""The MQTT sink against a real Mosquitto, heard by a second client."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from har_stream.errors import ConfigError
from har_stream.settings import MqttSettings
from har_stream.sinks.mqtt import MqttSink
from har_stream.sinks.worker import SinkWorker
from har_stream.uri import parse_uri
from tests.broker import Broker, Listener, wait_for
from tests.predictions import prediction

QUICK = MqttSettings(backoff_min_s=1, backoff_max_s=1, stale_after_s=1.0)


@pytest.fixture
def listener(broker: Broker) -> Iterator[Listener]:
    one = Listener(broker.port)
    yield one
    one.close()


def worker_for(port: int, prefix: str = "har") -> SinkWorker:
    sink = MqttSink(parse_uri(f"mqtt://127.0.0.1:{port}/{prefix}"), QUICK)
    worker = SinkWorker(sink, limit=100, source_waits=False, on_closed=lambda: None)
    worker.start()
    return worker


def test_labels_go_to_their_topics(broker: Broker, listener: Listener) -> None:
    worker = worker_for(broker.port)
    labels = ["sitting", "sitting", "walking"]
    worker.put([prediction("watch", end_s=float(n), label=label) for n, label in enumerate(labels)])
    wait_for(lambda: len(listener.payloads("har/watch/prediction")) == 3)
    wait_for(lambda: listener.payloads("har/watch/activity") == ["sitting", "walking"])
    assert [json.loads(line)["time"] for line in listener.payloads("har/watch/prediction")] == [0.0, 1.0, 2.0]
    worker.finish(time.monotonic() + 3)
    wait_for(lambda: listener.payloads("har/status") == ["online", "offline"])
    assert listener.payloads("har/watch/availability") == ["online", "offline"]


def test_the_newest_label_is_retained_for_who_comes_later(broker: Broker, listener: Listener) -> None:
    worker = worker_for(broker.port, "home/har")
    worker.put([prediction("watch", label="laying")])
    wait_for(lambda: bool(listener.payloads("home/har/watch/prediction")))  # else it may be on its way still
    late = Listener(broker.port)
    wait_for(lambda: ("home/har/watch/activity", "laying", True) in late.heard)
    wait_for(lambda: ("home/har/status", "online", True) in late.heard)
    assert not late.payloads("home/har/watch/prediction")
    late.close()
    worker.finish(time.monotonic() + 3)


def test_a_silent_device_goes_offline_and_comes_back(broker: Broker, listener: Listener) -> None:
    worker = worker_for(broker.port)
    worker.put([prediction("watch")])
    wait_for(lambda: listener.payloads("har/watch/availability") == ["online", "offline"])
    worker.put([prediction("watch")])
    wait_for(lambda: listener.payloads("har/watch/availability")[:3] == ["online", "offline", "online"])
    worker.finish(time.monotonic() + 3)


def test_a_silent_device_goes_offline_while_others_talk(broker: Broker, listener: Listener) -> None:
    worker = worker_for(broker.port)
    worker.put([prediction("silent")])
    until_s = time.monotonic() + 4
    while time.monotonic() < until_s:
        worker.put([prediction("talking")])
        time.sleep(0.2)
    assert listener.payloads("har/silent/availability") == ["online", "offline"]
    assert listener.payloads("har/talking/availability") == ["online"]
    worker.finish(time.monotonic() + 3)


def test_a_device_that_talked_through_an_outage_is_not_said_offline(broker: Broker) -> None:
    worker = worker_for(broker.port)
    worker.put([prediction("watch")])
    wait_for(lambda: worker.written == 1)
    broker.stop()
    for _ in range(12):
        worker.put([prediction("watch")])
        time.sleep(0.2)
    broker.start()
    listener = Listener(broker.port)
    wait_for(lambda: worker.written == 13)
    time.sleep(0.5)
    assert "offline" not in listener.payloads("har/watch/availability")
    worker.finish(time.monotonic() + 3)
    listener.close()


def test_a_broker_that_is_away_is_told_once_and_gets_what_waited(
    away_broker: Broker, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    broker = away_broker
    worker = worker_for(broker.port)
    worker.put([prediction("watch", end_s=float(n), label="sitting") for n in range(5)])
    time.sleep(2.5)  # two attempts fail
    broker.start()
    listener = Listener(broker.port)
    wait_for(lambda: len(listener.payloads("har/watch/prediction")) == 5)
    broker.stop()
    wait_for(lambda: "connection lost" in caplog.text)
    worker.put([prediction("watch", end_s=9.0, label="sitting")])
    broker.start()
    again = Listener(broker.port)
    # A broker without memory is told again what is retained.
    wait_for(lambda: again.payloads("har/watch/activity") == ["sitting"])
    wait_for(lambda: len(again.payloads("har/watch/prediction")) == 1)
    worker.finish(time.monotonic() + 3)
    assert caplog.text.count("not reachable") == 1
    for one in (listener, again):
        one.close()


def test_a_broker_that_never_comes_does_not_hold_up_the_end(tmp_path: Path) -> None:
    worker = worker_for(Broker(tmp_path).port)
    worker.put([prediction()])
    begun_s = time.monotonic()
    worker.finish(time.monotonic() + 2)
    assert time.monotonic() - begun_s < 4
    assert worker.dropped == 1


@pytest.mark.parametrize(
    ("uri", "reason"),
    [
        ("mqtt:", "expected mqtt://"),
        ("mqtt://host:99999/har", "no host and port"),
        ("mqtt://host:0/har", "expected mqtt://"),
        ("mqtt://localhost/har#x", "expected mqtt://"),
        ("mqtt://localhost/a+b", "lawful topic prefix"),
        ("mqtt://localhost/a//b", "lawful topic prefix"),
        ("mqtt://localhost/$SYS", "lawful topic prefix"),
        ("mqtt://me:secret@host/har", "process list"),
        ("mqtt://localhost/har?qos=1", "expected mqtt://"),
    ],
)
def test_faulty_uris_are_configuration_errors(uri: str, reason: str) -> None:
    with pytest.raises(ConfigError, match=reason) as caught:
        MqttSink(parse_uri(uri), QUICK)
    assert "secret" not in str(caught.value)
