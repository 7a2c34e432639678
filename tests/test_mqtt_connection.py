"""The connection of the source mqtt: brokers that die, hang from the start, refuse, and one that is none."""

from __future__ import annotations

import time
from contextlib import closing
from pathlib import Path

import pytest
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion

from har_stream.mqtt.connection import Connection
from har_stream.mqtt.link import BrokerLink
from har_stream.settings import IntakeSettings, MqttSettings, TlsSettings
from tests.broker import Broker, wait_for
from tests.certificates import authority
from tests.fake_broker import FakeBroker, publication
from tests.mqtt_receiver import LISTENS, NOT_REACHABLE, STEP, Receiver, block, listening, publisher, quick


@pytest.fixture(autouse=True)
def log(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    caplog.set_level("INFO")
    return caplog


def test_a_broker_that_dies_is_told_and_joined_again(broker: Broker, caplog: pytest.LogCaptureFixture) -> None:
    with Receiver(f"mqtt://127.0.0.1:{broker.port}", mqtt=quick()) as receiver:
        listening(caplog)
        broker.stop()
        wait_for(lambda: "connection lost" in caplog.text and NOT_REACHABLE in caplog.text)
        time.sleep(1.5)  # in which it would be told again
        broker.start()
        listening(caplog, 2)
        with publisher(broker.port) as client:
            client.publish("har/a/imu", block())
            wait_for(lambda: receiver.samples_of("a") == STEP)
    assert caplog.text.count("connection lost") == caplog.text.count(NOT_REACHABLE) == 1


def test_a_broker_that_hangs_from_the_start_is_told_and_joined_when_it_goes_on(
    broker: Broker, caplog: pytest.LogCaptureFixture
) -> None:
    broker.hang()
    with Receiver(f"mqtt://127.0.0.1:{broker.port}", mqtt=quick(keepalive_s=2)):
        wait_for(lambda: "does not answer" in caplog.text)
        broker.go_on()
        listening(caplog)


def test_a_broker_of_mqtt_3_is_spoken_to_in_its_own_words(caplog: pytest.LogCaptureFixture) -> None:
    with (
        closing(FakeBroker(b"", publication(b"har/a/imu", b"{}", v5=False), speaks=(4,))) as fake,
        Receiver(f"mqtt://127.0.0.1:{fake.port}", mqtt=quick()) as receiver,
    ):
        wait_for(lambda: receiver.refused == {"format": 1})
    assert fake.levels == [5, 4]
    assert "trying again" not in caplog.text


def test_a_refused_subscription_is_told(caplog: pytest.LogCaptureFixture) -> None:
    with closing(FakeBroker(subscription=0x87)) as fake, Receiver(f"mqtt://127.0.0.1:{fake.port}"):
        wait_for(lambda: "refuses the subscription to sensor-logger: Not authorized" in caplog.text)
    assert "refuses the subscription to har/+/imu: Not authorized" in caplog.text
    assert LISTENS not in caplog.text


def test_source_and_sink_with_one_client_id_are_two_clients(broker: Broker, caplog: pytest.LogCaptureFixture) -> None:
    sink = Client(CallbackAPIVersion.VERSION2, client_id="ours")
    sink.connect("127.0.0.1", broker.port)
    sink.loop_start()
    with Receiver(f"mqtt://127.0.0.1:{broker.port}", mqtt=MqttSettings(client_id="ours")):
        listening(caplog)
        time.sleep(0.5)
        assert sink.is_connected()
    sink.disconnect()
    sink.loop_stop()
    assert "took our place" not in caplog.text


def test_with_a_certificate_that_is_right_tls_carries_samples(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    ours = authority(tmp_path)
    broker = Broker(tmp_path, *ours.issue("IP:127.0.0.1"))
    broker.start()
    path = str(ours.certificate)
    with Receiver(f"mqtts://127.0.0.1:{broker.port}", mqtt=MqttSettings(tls=TlsSettings(ca_file=path))) as receiver:
        listening(caplog)
        tls = Client(CallbackAPIVersion.VERSION2)
        tls.tls_set(path)
        tls.connect("127.0.0.1", broker.port)
        tls.publish("har/a/imu", block())
        tls.loop_start()
        wait_for(lambda: receiver.samples_of("a") == STEP)
        tls.disconnect()
        tls.loop_stop()
    broker.stop()


def test_a_plain_connection_to_tls_is_told_what_to_try(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    broker = Broker(tmp_path, *authority(tmp_path).issue("IP:127.0.0.1"))
    broker.start()
    with Receiver(f"mqtt://127.0.0.1:{broker.port}", mqtt=quick()):
        wait_for(lambda: "does it ask for TLS, mqtts://?" in caplog.text)
    broker.stop()


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_network_thread_that_died_is_told_and_replaced(
    broker: Broker, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    lives = []

    def dies_at_first(link: BrokerLink, one: Connection) -> None:
        lives.append(link)
        if len(lives) == 1:
            raise SystemExit  # what ends a thread without a word
        connection(link, one)

    connection = BrokerLink._connection  # noqa: SLF001 - the fault is put where no input can bring it
    monkeypatch.setattr(BrokerLink, "_connection", dies_at_first)
    with Receiver(f"mqtt://127.0.0.1:{broker.port}"):
        listening(caplog)
    assert caplog.text.count("the network's thread has died") == 1


def test_many_devices_are_served_though_there_are_more_than_the_stream_takes(
    broker: Broker, caplog: pytest.LogCaptureFixture
) -> None:
    intake = IntakeSettings(max_devices=2)
    with (
        Receiver(f"mqtt://127.0.0.1:{broker.port}", intake=intake) as receiver,
        publisher(broker.port) as client,
    ):
        listening(caplog)
        for number in range(40):
            client.publish(f"har/d{number % 20}/imu", block(number))
        wait_for(lambda: sum(one.samples for one in receiver.blocks) == 40 * STEP)
    assert not receiver.refused
