"""What others do over a sink's connection: retained announcements, subscriptions; and functions of theirs that fail."""

from __future__ import annotations

import gc
import os
import time
from contextlib import closing

import pytest

from har_stream.broker import parse_broker
from har_stream.mqtt.connection import Connection, Received
from har_stream.mqtt.link import BrokerLink
from har_stream.settings import MqttSettings
from har_stream.sinks.mqtt import MqttSink
from har_stream.sinks.worker import SinkWorker
from har_stream.uri import parse_uri
from tests.broker import Broker, Listener, wait_for
from tests.fake_broker import FakeBroker
from tests.mqtt_receiver import publisher, quick
from tests.predictions import prediction


def sink_for(port: int, settings: MqttSettings | None = None) -> MqttSink:
    return MqttSink(parse_uri(f"mqtt://127.0.0.1:{port}/har"), settings or quick(), max_devices=2)


def started(sink: MqttSink) -> SinkWorker:
    worker = SinkWorker(sink, limit=100, source_waits=False, on_closed=lambda: None)
    worker.start()
    return worker


def finish(worker: SinkWorker) -> None:
    worker.finish(time.monotonic() + 30)


def test_announcements_are_retained_told_at_each_connect_and_withdrawn(broker: Broker) -> None:
    sink = sink_for(broker.port)
    sink.on_device = lambda device: sink.announce(f"found/{device}/config", "{}")
    worker = started(sink)
    worker.put([prediction("watch")])
    wait_for(lambda: worker.written == 1)
    with closing(Listener(broker.port, "found/#")) as listener:
        wait_for(lambda: listener.heard == [("found/watch/config", "{}", True)])
    broker.stop()  # it keeps nothing
    broker.start()
    with closing(Listener(broker.port, "found/#")) as listener:
        wait_for(lambda: listener.payloads("found/watch/config") == ["{}"])
        sink.withdraw("found/watch/config")
        wait_for(lambda: listener.payloads("found/watch/config") == ["{}", ""])
    with closing(Listener(broker.port)) as listener:
        wait_for(lambda: listener.payloads("har/status") == ["online"])
        assert not listener.payloads("found/watch/config")
    finish(worker)


def test_who_subscribes_is_called_after_each_connect_and_may_fail(
    broker: Broker, caplog: pytest.LogCaptureFixture
) -> None:
    sink = sink_for(broker.port)
    heard: list[str] = []
    late: list[Received] = []

    def take(messages: list[Received]) -> None:
        heard.extend(message.payload.decode() for message in messages)
        raise ZeroDivisionError

    def texts() -> list[str]:
        return [message.payload.decode() for message in late]

    sink.subscribe("homeassistant/status", take)
    worker = started(sink)
    wait_for(sink.ready)
    sink.subscribe("other/+", late.extend)
    for word in ("online", "again"):
        with publisher(broker.port) as client:
            until_s = time.monotonic() + 60
            while (word not in heard or word not in texts()) and time.monotonic() < until_s:  # till subscriptions stand
                client.publish("homeassistant/status", word)
                client.publish("other/topic", word)
                time.sleep(0.1)
            assert texts()[-1] == word
        if word == "online":
            broker.stop()
            broker.start()
            wait_for(sink.ready)
    worker.put([prediction()])
    wait_for(lambda: worker.written == 1)
    assert set(heard) == {"online", "again"}
    assert {message.topic for message in late} == {"other/topic"}
    assert "1 messages cannot be taken, 'homeassistant/status' first: ZeroDivisionError()" in caplog.text
    finish(worker)


def test_devices_beyond_the_most_are_said_offline_and_forgotten(broker: Broker) -> None:
    worker = started(sink_for(broker.port))
    with closing(Listener(broker.port)) as listener:
        for number in range(4):
            worker.put([prediction(f"d{number}")])
        wait_for(lambda: worker.written == 4)
        wait_for(lambda: listener.payloads("har/d1/availability") == ["online", "offline"])
        wait_for(lambda: listener.payloads("har/d3/availability") == ["online"])
    broker.stop()
    broker.start()
    with closing(Listener(broker.port)) as listener:
        wait_for(lambda: listener.payloads("har/d3/activity") == ["walking"])
        assert not listener.payloads("har/d0/activity")
    finish(worker)


def test_a_broker_of_mqtt_3_gets_labels_in_its_own_words() -> None:
    with closing(FakeBroker(speaks=(4,))) as fake:
        worker = started(sink_for(fake.port))
        worker.put([prediction("watch")])
        wait_for(lambda: worker.written == 1)
        assert fake.levels == [5, 4]
        assert ("har/watch/activity", "walking") in fake.published
        finish(worker)


def test_with_qos_0_labels_go_out_too(broker: Broker) -> None:
    worker = started(sink_for(broker.port, quick(qos=0)))
    with closing(Listener(broker.port)) as listener:
        worker.put([prediction("watch", end_s=float(n)) for n in range(90)])
        wait_for(lambda: len(listener.payloads("har/watch/prediction")) == 90)
    assert worker.written == 90
    finish(worker)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_network_thread_that_died_under_labels_is_replaced_and_none_is_lost(
    broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    turn = BrokerLink.turn
    deaths: list[BrokerLink] = []

    def dies_once(link: BrokerLink, connection: Connection) -> None:
        turn(link, connection)
        if worker.waiting and not deaths:
            deaths.append(link)
            raise SystemExit  # what ends a thread without a word

    worker = started(sink_for(broker.port))
    monkeypatch.setattr(BrokerLink, "turn", dies_once)
    worker.put([prediction("watch", end_s=float(n)) for n in range(100)])
    wait_for(lambda: worker.written == 100)
    assert deaths
    assert worker.dropped == 0
    finish(worker)


def test_a_link_that_is_closed_gives_all_its_descriptors_back(broker: Broker) -> None:
    def use(*, opened: bool) -> BrokerLink:
        link = BrokerLink(parse_broker(parse_uri(f"mqtt://127.0.0.1:{broker.port}"), quick()), quick())
        if opened:
            link.open()
            wait_for(lambda: link.connected)
        link.close()
        return link

    links = [use(opened=True)]
    gc.collect()  # what earlier tests left closes now
    before = len(os.listdir("/proc/self/fd"))  # noqa: PTH208 - Path.iterdir() asks for each what it is
    links += [use(opened=number % 2 == 0) for number in range(6)]
    assert len(os.listdir("/proc/self/fd")) <= before  # noqa: PTH208 - as above
    links[-1].wake()
