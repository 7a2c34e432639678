"""What an MQTT sink tells again, and to whom: a broker that swallows, with TLS, certificates of ours and an ACL."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from har_stream.mqtt.frugal_client import FrugalClient
from har_stream.mqtt.link import CLOSED
from har_stream.settings import MqttSettings, TlsSettings
from tests.broker import Broker, Listener, wait_for
from tests.certificates import Authority, authority
from tests.fake_broker import FakeBroker
from tests.labels_out import LINES, working
from tests.mqtt_receiver import quick
from tests.predictions import prediction

LABELS = ("sitting", "standing", "walking")


@pytest.fixture(autouse=True)
def log(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    caplog.set_level("INFO")
    return caplog


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
