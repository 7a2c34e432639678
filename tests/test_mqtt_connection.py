"""The connection of the source mqtt: brokers that come late, die, hang, refuse, and one that is none."""

from __future__ import annotations

import time
from contextlib import closing
from pathlib import Path

import pytest
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion

from har_stream.mqtt.connection import Connection
from har_stream.mqtt.link import BrokerLink
from har_stream.settings import MQTT_PASSWORD, IntakeSettings, MqttSettings, TlsSettings
from tests.broker import Broker, wait_for, with_password
from tests.certificates import authority
from tests.fake_broker import FakeBroker, publication
from tests.mqtt_receiver import LISTENS, NOT_REACHABLE, STEP, Receiver, block, listening, publisher, quick


@pytest.fixture(autouse=True)
def log(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    caplog.set_level("INFO")
    return caplog


def test_a_broker_that_comes_late_is_joined_within_five_seconds_and_told_once(
    away_broker: Broker, caplog: pytest.LogCaptureFixture
) -> None:
    with Receiver(f"mqtt://127.0.0.1:{away_broker.port}") as receiver:
        time.sleep(1.5)
        away_broker.start()
        begun_s = time.monotonic()
        listening(caplog)
        assert time.monotonic() - begun_s < 5
        with publisher(away_broker.port) as client:
            client.publish("har/a/imu", block())
            wait_for(lambda: receiver.samples_of("a") == STEP)
    assert caplog.text.count(NOT_REACHABLE) == 1


def test_a_broker_that_dies_is_told_and_joined_again(broker: Broker, caplog: pytest.LogCaptureFixture) -> None:
    with Receiver(f"mqtt://127.0.0.1:{broker.port}", mqtt=quick()) as receiver:
        listening(caplog)
        broker.stop()
        wait_for(lambda: "connection lost" in caplog.text)
        time.sleep(2.5)
        broker.start()
        listening(caplog, 2)
        with publisher(broker.port) as client:
            client.publish("har/a/imu", block())
            wait_for(lambda: receiver.samples_of("a") == STEP)
    assert caplog.text.count("connection lost") == caplog.text.count(NOT_REACHABLE) == 1


def test_a_broker_that_hangs_is_noticed_within_two_keepalives(broker: Broker, caplog: pytest.LogCaptureFixture) -> None:
    with Receiver(f"mqtt://127.0.0.1:{broker.port}", mqtt=quick(keepalive_s=2)):
        listening(caplog)
        broker.hang()
        hung_s = time.monotonic()
        wait_for(lambda: "connection lost: Keep alive timeout" in caplog.text)
        assert time.monotonic() - hung_s < 2 * 2
        broker.go_on()
        listening(caplog, 2)


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


def test_a_wrong_password_is_told_once_and_a_right_one_is_taken(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    broker = Broker(tmp_path, *with_password(tmp_path, "anna", "right"))
    broker.start()
    uri = f"mqtt://anna@127.0.0.1:{broker.port}"
    monkeypatch.setenv(MQTT_PASSWORD, "wrong")
    with Receiver(uri, mqtt=quick()):
        wait_for(lambda: "refuses us" in caplog.text)
        time.sleep(2.5)
    assert caplog.text.count(f"refuses us: Not authorized (mqtt://USER@host, {MQTT_PASSWORD}") == 1
    assert "wrong" not in caplog.text
    monkeypatch.setenv(MQTT_PASSWORD, "right")
    with Receiver(uri):
        listening(caplog)
    broker.stop()


def test_another_client_with_our_id_is_told_with_the_remedy_and_not_fought(
    broker: Broker, caplog: pytest.LogCaptureFixture
) -> None:
    """This Mosquitto ends the connection without a word."""
    with Receiver(f"mqtt://127.0.0.1:{broker.port}", mqtt=MqttSettings(client_id="ours")):
        listening(caplog)
        rival = Client(CallbackAPIVersion.VERSION2, client_id="ours-in")
        rival.connect("127.0.0.1", broker.port)
        rival.loop_start()
        wait_for(lambda: "perhaps another client takes our place with our client id 'ours-in'" in caplog.text)
        time.sleep(1.5)
        assert rival.is_connected()
        rival.disconnect()
        rival.loop_stop()
    assert "give each its own, mqtt.client_id" in caplog.text
    assert caplog.text.count(f"{LISTENS} har/+/imu") == 2


def test_a_broker_that_says_that_another_client_has_our_id_is_believed(caplog: pytest.LogCaptureFixture) -> None:
    with (
        closing(FakeBroker(b"", b"\xe0\x02\x8e\x00")) as fake,
        Receiver(f"mqtt://127.0.0.1:{fake.port}", mqtt=MqttSettings(client_id="ours")),
    ):
        wait_for(lambda: "another client takes our place with our client id 'ours-in'" in caplog.text)
        time.sleep(1.5)
        assert fake.connections == 1


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


@pytest.mark.parametrize(
    ("host", "ca", "expired", "told"),
    [
        ("IP:127.0.0.1", "ca", False, "listens to har/+/imu"),
        ("IP:127.0.0.1", "stranger", False, "its certificate is refused: "),
        ("IP:127.0.0.1", "", False, "its certificate is refused: "),
        ("DNS:elsewhere.example", "ca", False, "its certificate is refused: IP address mismatch"),
        ("IP:127.0.0.1", "ca", True, "its certificate is refused: certificate has expired"),
    ],
)
def test_with_tls_the_certificate_must_be_right(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, host: str, ca: str, told: str, *, expired: bool
) -> None:
    ours, stranger = authority(tmp_path), authority(tmp_path, "stranger")
    broker = Broker(tmp_path, *ours.issue(host, expired=expired))
    broker.start()
    path = {"": "", "ca": str(ours.certificate), "stranger": str(stranger.certificate)}[ca]
    with Receiver(f"mqtts://127.0.0.1:{broker.port}", mqtt=MqttSettings(tls=TlsSettings(ca_file=path))) as receiver:
        wait_for(lambda: told in caplog.text)
        if LISTENS in told:
            tls = Client(CallbackAPIVersion.VERSION2)
            tls.tls_set(path)
            tls.connect("127.0.0.1", broker.port)
            tls.publish("har/a/imu", block())
            tls.loop_start()
            wait_for(lambda: receiver.samples_of("a") == STEP)
            tls.disconnect()
            tls.loop_stop()
        else:
            time.sleep(0.3)
            assert LISTENS not in caplog.text
    broker.stop()


def test_a_broker_without_tls_is_never_spoken_to_in_the_clear(broker: Broker, caplog: pytest.LogCaptureFixture) -> None:
    with Receiver(f"mqtts://127.0.0.1:{broker.port}", mqtt=quick()):
        wait_for(lambda: "not connected, no TLS" in caplog.text or NOT_REACHABLE in caplog.text)
        time.sleep(1.5)
    assert LISTENS not in caplog.text


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
