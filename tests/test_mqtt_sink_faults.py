"""The MQTT sink through the troubles of a real Mosquitto: killed, hung, refusing, with TLS and an ACL."""

from __future__ import annotations

import itertools
import json
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion

from har_stream.mqtt.frugal_client import FrugalClient
from har_stream.mqtt.link import CLOSED
from har_stream.settings import MQTT_PASSWORD, MqttSettings, TlsSettings
from har_stream.sinks.mqtt import MqttSink
from har_stream.sinks.worker import SinkWorker
from har_stream.uri import parse_uri
from tests.broker import Broker, Listener, persistent, wait_for, with_password
from tests.certificates import Authority, authority
from tests.fake_broker import FakeBroker
from tests.mqtt_receiver import quick
from tests.predictions import prediction

LINES = "har/watch/prediction"
LABELS = ("sitting", "standing", "walking")


@pytest.fixture(autouse=True)
def log(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    caplog.set_level("INFO")
    return caplog


@contextmanager
def working(uri: str, settings: MqttSettings | None = None, limit: int = 10_000) -> Iterator[SinkWorker]:
    sink = MqttSink(parse_uri(uri), settings or quick())
    worker = SinkWorker(sink, limit=limit, source_waits=False, on_closed=lambda: None)
    worker.start()
    try:
        yield worker
    finally:
        worker.finish(time.monotonic() + 1)


def firsts(payloads: list[str]) -> list[float]:
    """The times of predictions in the order in which their ids were seen first: what drops doubles keeps."""
    seen: dict[str, float] = {}
    for one in payloads:
        line = json.loads(one)
        seen.setdefault(line["id"], line["time"])
    return list(seen.values())


def test_no_label_is_lost_and_order_is_kept_when_the_broker_is_killed_under_load(tmp_path: Path) -> None:
    broker = Broker(tmp_path, *persistent(tmp_path))
    broker.start()
    listener = Listener(broker.port, lasting=True)
    broker.save()
    offered = 0
    with working(f"mqtt://127.0.0.1:{broker.port}") as worker:
        for _ in range(2):
            for step in range(250):
                if step == 100:
                    broker.stop()
                worker.put(
                    [prediction("watch", end_s=float(n), label=LABELS[n % 3]) for n in range(offered, offered + 4)]
                )
                offered += 4
                time.sleep(0.002)
            assert worker.waiting > 100
            broker.start()
            wait_for(lambda: not worker.waiting)
            # What a broker has for a listener that is not back yet dies with it the next time.
            wait_for(lambda last=offered - 1: f'"time":{last}.0,' in "".join(listener.payloads(LINES)[-1:]))
        assert (worker.written, worker.dropped) == (offered, 0)
        assert firsts(listener.payloads(LINES)) == [float(n) for n in range(offered)]
        # Labels come in turn; one that was told behind a newer one would be a step back.
        told = [LABELS.index(one) for one in listener.payloads("har/watch/activity")]
        steps = [(new - old) % 3 for old, new in itertools.pairwise(told)]
        assert steps.count(2) == 0
        assert told[-1] == (offered - 1) % 3
    listener.close()
    broker.stop()


def test_in_an_outage_longer_than_the_queue_exactly_the_oldest_are_dropped(tmp_path: Path) -> None:
    broker = Broker(tmp_path, *persistent(tmp_path))
    broker.start()
    listener = Listener(broker.port, lasting=True)
    broker.save()
    with working(f"mqtt://127.0.0.1:{broker.port}", limit=100) as worker:
        worker.put([prediction("watch", end_s=-1.0)])
        wait_for(lambda: len(listener.payloads(LINES)) == 1)
        broker.stop()
        wait_for(lambda: bool(worker.condition))
        for at in range(0, 350, 7):
            worker.put([prediction("watch", end_s=float(at + n)) for n in range(7)])
        assert (worker.waiting, worker.dropped) == (100, 250)
        broker.start()
        wait_for(lambda: len(listener.payloads(LINES)) == 101)
        wait_for(lambda: not worker.waiting)
        assert firsts(listener.payloads(LINES)) == [-1.0, *(float(n) for n in range(250, 350))]
        assert (worker.written, worker.dropped) == (101, 250)
    listener.close()
    broker.stop()


def test_a_broker_that_hangs_is_noticed_and_what_it_did_not_acknowledge_goes_out_again(
    broker: Broker, caplog: pytest.LogCaptureFixture
) -> None:
    with working(f"mqtt://127.0.0.1:{broker.port}", quick(keepalive_s=2), limit=100) as worker:
        worker.put([prediction("watch", end_s=-1.0)])
        wait_for(lambda: worker.written == 1)
        with closing(Listener(broker.port, "har/watch/prediction")) as listener:
            broker.hang()
            hung_s = time.monotonic()
            worker.put([prediction("watch", end_s=float(n)) for n in range(300)])
            wait_for(lambda: "connection lost: Keep alive timeout" in caplog.text)
            assert time.monotonic() - hung_s < 2 * 2 + 1
            wait_for(lambda: worker.waiting == 100)
            assert worker.dropped == 200
            broker.go_on()
            wait_for(lambda: not worker.waiting)
            wait_for(lambda: set(range(200, 300)) <= set(firsts(listener.payloads(LINES))))
    assert worker.written == 101


def test_an_older_label_is_never_retained_after_a_newer_one() -> None:
    """Of a batch that went out and was not acknowledged, the labels are not told again when the windows are."""
    with (
        closing(FakeBroker(swallows=6)) as fake,
        working(f"mqtt://127.0.0.1:{fake.port}", quick(keepalive_s=2)) as worker,
    ):
        worker.put([prediction("watch", end_s=float(n), label=label) for n, label in enumerate(("walking", "sitting"))])
        wait_for(lambda: worker.written == 2)
        told = [payload for topic, payload in fake.published if topic == "har/watch/activity"]
        lines = [json.loads(payload)["time"] for topic, payload in fake.published if topic == "har/watch/prediction"]
    assert told == ["walking", "sitting", "sitting"]
    assert lines == [0.0, 1.0, 0.0, 1.0]


def test_a_wrong_password_is_one_line_and_few_tries(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    broker = Broker(tmp_path, *with_password(tmp_path, "anna", "right"))
    broker.start()
    uri = f"mqtt://anna@127.0.0.1:{broker.port}"
    monkeypatch.setenv(MQTT_PASSWORD, "wrong")
    with working(uri, MqttSettings()) as worker:
        wait_for(lambda: "refuses us: Not authorized" in worker.condition)
        time.sleep(2)
    assert caplog.text.count("refuses us") == 1
    assert "wrong" not in caplog.text
    monkeypatch.setenv(MQTT_PASSWORD, "right")
    with working(uri) as worker:
        worker.put([prediction("watch")])
        wait_for(lambda: worker.written == 1)
    broker.stop()


def test_another_client_with_our_id_is_told_with_the_remedy(broker: Broker, caplog: pytest.LogCaptureFixture) -> None:
    with working(f"mqtt://127.0.0.1:{broker.port}", MqttSettings(client_id="ours")) as worker:
        wait_for(lambda: not worker.condition)
        rival = Client(CallbackAPIVersion.VERSION2, client_id="ours")
        rival.connect("127.0.0.1", broker.port)
        rival.loop_start()
        wait_for(lambda: "another client takes our place with our client id 'ours'" in worker.condition)
        rival.disconnect()
        rival.loop_stop()
    assert "give each its own, mqtt.client_id" in caplog.text


# --- TLS and an ACL ---------------------------------------------------------------------------------------------------


@contextmanager
def guarded_broker(folder: Path, host: str = "IP:127.0.0.1", *, expired: bool = False) -> Iterator[Broker]:
    """A broker that lets clients in by their certificates: `watch` may publish below har/, `reader` may read all."""
    ours = authority(folder)
    acl = folder / "acl"
    acl.write_text("user watch\ntopic write har/#\nuser reader\ntopic read #\n")
    lines = (f"cafile {ours.certificate}", "require_certificate true", "use_identity_as_username true")
    broker = Broker(folder, *ours.issue(host, expired=expired), *lines, f"acl_file {acl}")
    broker.start()
    yield broker
    broker.stop()


def shown(folder: Path, name: str = "watch", ca: str = "ca") -> MqttSettings:
    certificate, key = Authority(folder, "ca").issue_client(name)
    return quick(tls=TlsSettings(str(folder / f"{ca}.pem"), str(certificate), str(key)))


def test_with_a_client_certificate_labels_go_where_the_acl_lets_them(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with guarded_broker(tmp_path) as broker:
        reader = Authority(tmp_path, "ca").issue_client("reader")
        settings = shown(tmp_path)
        with (
            closing(Listener(broker.port, tls=(tmp_path / "ca.pem", *reader))) as listener,
            working(f"mqtts://127.0.0.1:{broker.port}", settings) as worker,
        ):
            worker.put([prediction("watch", end_s=float(n)) for n in range(50)])
            wait_for(lambda: worker.written == 50)
            wait_for(lambda: len(listener.payloads(LINES)) == 50)
            with working(f"mqtts://127.0.0.1:{broker.port}/other", settings) as barred:
                barred.put([prediction("watch") for _ in range(5)])
                wait_for(lambda: barred.dropped == 5)
            assert barred.written == 0
        assert not listener.payloads("other/watch/prediction")
    assert "the broker refuses other/watch/prediction: Not authorized; labels are lost until it can" in caplog.text


def test_without_a_certificate_of_our_own_we_stay_out(tmp_path: Path) -> None:
    with guarded_broker(tmp_path) as broker:
        settings = quick(tls=TlsSettings(ca_file=str(tmp_path / "ca.pem")))
        with working(f"mqtts://127.0.0.1:{broker.port}", settings) as worker:
            worker.put([prediction()])
            wait_for(lambda: "mqtt.tls.cert_file" in worker.condition)
            time.sleep(1.5)
            assert worker.written == 0


def test_a_connection_that_breaks_with_its_first_packet_is_told_as_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(FrugalClient, "connect", lambda *_, **__: None)  # and no socket, as it had to give that up
    with working("mqtt://127.0.0.1:1", quick()) as worker:
        wait_for(lambda: worker.condition == CLOSED)


@pytest.mark.parametrize(
    ("host", "ca", "expired", "told"),
    [
        ("IP:127.0.0.1", "stranger", False, "certificate is refused: "),
        ("DNS:elsewhere.example", "ca", False, "certificate is refused: IP address mismatch"),
        ("IP:127.0.0.1", "ca", True, "certificate is refused: certificate has expired"),
    ],
)
def test_a_broker_that_cannot_prove_who_it_is_gets_nothing(
    tmp_path: Path, host: str, ca: str, told: str, *, expired: bool
) -> None:
    authority(tmp_path, "stranger")
    with (
        guarded_broker(tmp_path, host, expired=expired) as broker,
        working(f"mqtts://127.0.0.1:{broker.port}", shown(tmp_path, ca=ca)) as worker,
    ):
        worker.put([prediction()])
        wait_for(lambda: told in worker.condition)
        assert (worker.written, worker.waiting) == (0, 1)
