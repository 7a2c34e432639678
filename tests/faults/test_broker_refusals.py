"""Faults 7 to 11: a broker that is slow, turns us down, is not who it says, has another in our place, or is hostile."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from threading import Event

import pytest
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion

from har_stream.accounting import Accounting
from har_stream.broker import parse_broker
from har_stream.mqtt import link
from har_stream.mqtt.link import BrokerLink
from har_stream.settings import MQTT_PASSWORD, MqttSettings, TlsSettings
from har_stream.uri import parse_uri
from tests.broker import Broker, Listener, wait_for, with_password
from tests.certificates import authority
from tests.fake_broker import FakeBroker, publication
from tests.faults.conftest import Measured
from tests.faults.length import lasting
from tests.faults.proxy import Pace, Proxy
from tests.faults.stream import stream
from tests.held_up import HeldUp
from tests.labels_out import firsts, working
from tests.motion import pipeline
from tests.mqtt_packets import EXPIRES, NONE
from tests.mqtt_receiver import LISTENS, Receiver, block, listening, quick
from tests.predictions import prediction

TRICKLE = Pace(piece_bytes=1, pause_s=0.001)
TLS_HANDSHAKE = b"\x16\x03"
"""What every connection with TLS begins with; MQTT in the clear begins with 0x10."""
MOST_TRIES = 12
WITHIN_S = 300.0


@pytest.fixture(autouse=True)
def log(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    caplog.set_level("INFO")
    return caplog


def test_07_at_a_byte_a_millisecond_labels_trickle_and_other_sinks_do_not_notice(
    tmp_path: Path, broker: Broker, measured: Measured
) -> None:
    slow_s = lasting(4.0, 60.0)
    listener = Listener(broker.port, "har/sim01/prediction")
    with Proxy(broker.port, TRICKLE) as proxy:
        sink = f"mqtt://127.0.0.1:{proxy.port}/har"
        with stream(tmp_path / "stream", "sim:?devices=1&speed=10", "--sink", sink) as one:
            wait_for(lambda: one.labelled > 10 and one.labels_by(sink)[0] > 0)
            before_s, held_up = one.held_up_s, HeldUp(one.process.pid)
            given, begun_s = one.labelled, time.monotonic()
            time.sleep(slow_s)
            worth_s, took_s = (one.labelled - given) * 1.28 / 10, time.monotonic() - begun_s
            assert 0.75 * (took_s - held_up.look()) < worth_s, "labels come as fast as samples do"
            assert worth_s < 1.25 * took_s + before_s, "and no faster, but for what it was behind"
            written, dropped = one.labels_by(sink)
            assert 0 < written < one.labelled
            assert dropped == 0
            ended = one.end()
        assert proxy.connections == 1, "slow is not broken"
    wait_for(lambda: len(firsts(listener.payloads("har/sim01/prediction"))) >= written)
    heard = list(firsts(listener.payloads("har/sim01/prediction")))
    assert heard == [line["id"] for line in ended.lines][: len(heard)]
    measured(f"{len(heard)} labels through, {len(ended.lines)} to the other sink")
    listener.close()


class Hurried(Event):
    """Waits in no time, and notes for how long it should have; is set when that was WITHIN_S."""

    waited_s = 0.0

    def wait(self, timeout: float | None = None) -> bool:
        if timeout is not None:
            Hurried.waited_s += timeout
            if Hurried.waited_s >= WITHIN_S:
                self.set()
        return self.is_set()


def test_08_with_a_wrong_password_there_are_at_most_twelve_tries_in_five_minutes(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch, measured: Measured
) -> None:
    broker = Broker(tmp_path, *with_password(tmp_path, "anna", "right"))
    broker.start()
    monkeypatch.setenv(MQTT_PASSWORD, "wrong")
    monkeypatch.setattr(link, "Event", Hurried)
    monkeypatch.setattr(Hurried, "waited_s", 0.0)
    with Proxy(broker.port) as proxy:
        settings = MqttSettings()
        uri = parse_uri(f"mqtt://anna@127.0.0.1:{proxy.port}")
        one = BrokerLink(parse_broker(uri, settings), settings)
        one.open()
        wait_for(lambda: Hurried.waited_s >= WITHIN_S)
        one.close()
        assert 2 < proxy.connections <= MOST_TRIES
        measured(f"{proxy.connections} tries in {WITHIN_S:.0f} s of a clock of the test's own")
    assert caplog.text.count("refuses us: Not authorized") == len(caplog.records) == 1
    broker.stop()


def test_08_a_wrong_password_is_one_line_and_a_right_one_is_taken(tmp_path: Path, measured: Measured) -> None:
    broker = Broker(tmp_path, *with_password(tmp_path, "anna", "right"))
    broker.start()
    away_s = lasting(3.0, WITHIN_S)
    with Proxy(broker.port) as proxy:
        sink = f"mqtt://anna@127.0.0.1:{proxy.port}/har"
        wrong, right = ({MQTT_PASSWORD: word} for word in ("n0t-th1s-one", "right"))
        with stream(tmp_path / "wrong", "sim:?devices=1&speed=1", "--sink", sink, variables=wrong) as one:
            one.wait_to_say("refuses us: Not authorized (mqtt://USER@host")
            time.sleep(away_s)
            assert 1 <= proxy.connections <= MOST_TRIES
            measured(f"{proxy.connections} tries in {away_s:.0f} s")
            said = one.end().said
        assert said.count("refuses us") == 1
        assert "n0t-th1s-one" not in said
        with stream(tmp_path / "right", "sim:?devices=1&speed=20", "--sink", sink, variables=right) as one:
            wait_for(lambda: one.labels_by(sink.replace("anna@", ""))[0] > 0)
            one.end()
    broker.stop()


# --- who the broker is ------------------------------------------------------------------------------------------------


@contextmanager
def impostor(folder: Path, host: str, *, expired: bool) -> Iterator[Proxy]:
    """A broker with a certificate for a host, seen through a proxy."""
    broker = Broker(folder, *authority(folder).issue(host, expired=expired))
    broker.start()
    with Proxy(broker.port) as proxy:
        yield proxy
    broker.stop()


@pytest.mark.parametrize(
    ("host", "ca", "expired", "told"),
    [
        ("IP:127.0.0.1", "stranger.pem", False, "its certificate is refused: "),
        ("IP:127.0.0.1", "", False, "its certificate is refused: "),
        ("DNS:elsewhere.example", "ca.pem", False, "its certificate is refused: IP address mismatch"),
        ("IP:127.0.0.1", "ca.pem", True, "its certificate is refused: certificate has expired"),
    ],
)
def test_09_a_broker_that_cannot_prove_who_it_is_gets_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, host: str, ca: str, told: str, *, expired: bool
) -> None:
    authority(tmp_path, "stranger")
    settings = quick(tls=TlsSettings(str(tmp_path / ca) if ca else ""))
    with impostor(tmp_path, host, expired=expired) as proxy:
        uri = f"mqtts://127.0.0.1:{proxy.port}"
        with working(uri, settings) as worker, Receiver(uri, mqtt=settings):
            worker.put([prediction()])
            wait_for(lambda: told in worker.condition)
            wait_for(lambda: caplog.text.count(told) == 2)
            assert (worker.written, worker.dropped, worker.waiting) == (0, 0, 1)
        assert proxy.connections >= 2
        assert all(begun.startswith(TLS_HANDSHAKE) for begun in proxy.first_bytes)
    assert LISTENS not in caplog.text


def test_09_a_broker_without_tls_is_never_spoken_to_in_the_clear(
    broker: Broker, caplog: pytest.LogCaptureFixture
) -> None:
    with Proxy(broker.port) as proxy, Receiver(f"mqtts://127.0.0.1:{proxy.port}", mqtt=quick()):
        wait_for(lambda: len(proxy.first_bytes) >= 2)
        assert all(begun.startswith(TLS_HANDSHAKE) for begun in proxy.first_bytes)
    assert "not connected, no TLS" in caplog.text or "not reachable" in caplog.text
    assert LISTENS not in caplog.text


# --- another in our place ---------------------------------------------------------------------------------------------


def test_10_another_client_with_our_id_is_told_with_the_remedy_and_not_fought(
    broker: Broker, caplog: pytest.LogCaptureFixture, measured: Measured
) -> None:
    """This Mosquitto ends the connection without a word."""
    watched_s = lasting(2.0, 60.0)
    with Proxy(broker.port) as proxy:
        at = f"mqtt://127.0.0.1:{proxy.port}"
        settings = MqttSettings(client_id="ours")
        with Receiver(at, mqtt=settings), working(at, settings) as worker:
            listening(caplog)
            wait_for(lambda: not worker.condition)
            begun_s = time.monotonic()
            rivals = [Client(CallbackAPIVersion.VERSION2, client_id=name) for name in ("ours", "ours-in")]
            for rival in rivals:
                rival.connect("127.0.0.1", broker.port)
                rival.loop_start()
            for name in ("ours", "ours-in"):
                told = f"perhaps another client takes our place with our client id {name!r}: give each its own"
                wait_for(lambda words=told: words in caplog.text)
            time.sleep(watched_s)
            tries, took_s = proxy.connections - 2, time.monotonic() - begun_s
            assert tries <= 2 * (2 + took_s / 25)  # two before the rival is known, then one in 25.5 to 30 s
            measured(f"{tries} tries of two clients in {took_s:.0f} s")
            for rival in rivals:
                rival.disconnect()
                rival.loop_stop()
    assert "mqtt.client_id" in caplog.text


def test_10_a_broker_that_says_that_another_client_has_our_id_is_believed(caplog: pytest.LogCaptureFixture) -> None:
    with (
        closing(FakeBroker(b"", b"\xe0\x02\x8e\x00")) as fake,
        Receiver(f"mqtt://127.0.0.1:{fake.port}", mqtt=MqttSettings(client_id="ours")),
    ):
        wait_for(lambda: "another client takes our place with our client id 'ours-in'" in caplog.text)
        time.sleep(1.5)
        assert fake.connections == 1


# --- hostile ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("properties", [NONE, EXPIRES], ids=["plain", "with properties"])
def test_11_whatever_stands_in_topics_and_payloads_the_network_thread_lives(properties: bytes) -> None:
    hostile = b"".join(
        publication(topic, payload, properties=properties)
        for topic, payload in [
            (b"har/\xff\xfe/imu", block(samples=1)),
            (b"har/\0/imu", b"x"),
            (b"\xed\xa0\x80", b"x"),
            (b"", b"x"),
            (b"har/good/imu", block(samples=1)),
        ]
    )
    with (
        closing(FakeBroker(b"", hostile)) as fake,
        Receiver(f"mqtt://127.0.0.1:{fake.port}") as receiver,
    ):
        wait_for(lambda: receiver.samples_of("good") == 1)
    assert fake.connections == 1
    accounting = Accounting()
    one = pipeline(accounting)
    accounting.enter(sum(part.samples for part in receiver.blocks))
    one.push(receiver.blocks, 0.0)
    assert accounting.refused == {"format": 3, "device_id": 1}
    assert accounting.balance(one.buffered) == 0


BROKEN = [
    b"\x30\x03\x00\xff\x00",  # a topic longer than its packet
    b"\x30\x00",
    b"\x30\x7f\x00\x01x",  # one that ends before it should
    b"\xff\xff\xff\xff\xff\xff",
    b"\x90\x00",
    b"\x20\x00",
    b"\x00\x00",
    b"\xe0\x01\x01",
]


def test_11_a_broken_packet_ends_the_connection_and_no_more(caplog: pytest.LogCaptureFixture) -> None:
    with ExitStack() as stack:
        fakes = [stack.enter_context(closing(FakeBroker(b"", packet, hangs_up=True))) for packet in BROKEN]
        for fake in fakes:
            stack.enter_context(Receiver(f"mqtt://127.0.0.1:{fake.port}", mqtt=quick()))
        for fake in fakes:
            wait_for(lambda one=fake: caplog.text.count(f"{one.port}: connected, {LISTENS} har/+/imu") >= 2)
    for fake in fakes:
        assert caplog.text.count(f"{fake.port}: connection") == 1
    assert "thread has died" not in caplog.text


def test_11_what_came_before_a_broken_packet_is_taken() -> None:
    packets = publication(b"har/good/imu", block(samples=1)) * 3 + BROKEN[0]
    with (
        closing(FakeBroker(b"", packets, hangs_up=True)) as fake,
        Receiver(f"mqtt://127.0.0.1:{fake.port}", mqtt=quick()) as receiver,
    ):
        wait_for(lambda: receiver.samples_of("good") >= 3)
