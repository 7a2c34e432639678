"""The MQTT sink against a real Mosquitto, heard by a second client."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from itertools import pairwise
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


def finish(worker: SinkWorker) -> None:
    worker.finish(time.monotonic() + 30)


def test_labels_go_to_their_topics(broker: Broker, listener: Listener) -> None:
    worker = worker_for(broker.port)
    labels = ["sitting", "sitting", "walking"]
    worker.put([prediction("watch", end_s=float(n), label=label) for n, label in enumerate(labels)])
    wait_for(lambda: len(listener.payloads("har/watch/prediction")) == 3)
    wait_for(lambda: listener.payloads("har/watch/activity") == ["sitting", "walking"])
    assert [json.loads(line)["time"] for line in listener.payloads("har/watch/prediction")] == [0.0, 1.0, 2.0]
    finish(worker)
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
    finish(worker)


def test_a_silent_device_goes_offline_and_comes_back(broker: Broker, listener: Listener) -> None:
    worker = worker_for(broker.port)
    worker.put([prediction("watch")])
    wait_for(lambda: listener.payloads("har/watch/availability") == ["online", "offline"])
    worker.put([prediction("watch")])
    wait_for(lambda: listener.payloads("har/watch/availability")[:3] == ["online", "offline", "online"])
    finish(worker)


def test_a_silent_device_goes_offline_while_others_talk(broker: Broker, listener: Listener) -> None:
    worker = worker_for(broker.port)
    worker.put([prediction("silent")])
    puts_s = [time.monotonic()]
    while listener.payloads("har/silent/availability") != ["online", "offline"] or len(puts_s) < 15:
        assert len(puts_s) < 300
        worker.put([prediction("talking")])
        puts_s.append(time.monotonic())
        time.sleep(0.2)
    told = listener.payloads("har/talking/availability")
    longest_s = max(later_s - earlier_s for earlier_s, later_s in pairwise(puts_s[1:]))
    assert told == ["online"] or longest_s > QUICK.stale_after_s / 2, "unless the machine was too busy to talk"
    finish(worker)


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
    seen_s = time.monotonic()
    while worker.written < 13:
        seen_s = time.monotonic()
        time.sleep(0.02)
    time.sleep(0.5)
    told, since_s = listener.payloads("har/watch/availability"), time.monotonic() - seen_s
    assert "offline" not in told or since_s > QUICK.stale_after_s, "unless the machine was too busy to look in time"
    finish(worker)
    listener.close()


def test_a_broker_that_is_away_is_told_once_and_gets_what_waited(
    lasting_broker: Broker, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    broker = lasting_broker
    listener = Listener(broker.port, lasting=True)  # whoever came after the sink would miss what it said
    broker.save()
    broker.stop()
    worker = worker_for(broker.port)
    worker.put([prediction("watch", end_s=float(n), label="sitting") for n in range(5)])
    wait_for(lambda: "not reachable" in caplog.text)
    time.sleep(1.5)  # another attempt fails
    broker.start()
    wait_for(lambda: len(listener.payloads("har/watch/prediction")) == 5)
    assert caplog.text.count("not reachable") == 1
    broker.stop()
    wait_for(lambda: "connection lost" in caplog.text)
    worker.put([prediction("watch", end_s=9.0, label="sitting")])
    broker.start()
    # A broker without memory is told again what is retained.
    wait_for(lambda: listener.payloads("har/watch/activity") == ["sitting", "sitting"])
    wait_for(lambda: len(listener.payloads("har/watch/prediction")) == 6)
    finish(worker)
    assert caplog.text.count("connection lost") == 1
    listener.close()


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
