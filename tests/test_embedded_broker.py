"""The broker in the process: who may come in, on which addresses, and a whole stream over it."""

from __future__ import annotations

import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion

from har_stream import embedded_broker
from har_stream.embedded_broker import EmbeddedBroker, open_broker, plan_broker
from har_stream.errors import ConfigError
from har_stream.settings import MQTT_PASSWORD, MqttSettings, Settings
from tests.bridge_process import bridge
from tests.broker import Listener, free_port, wait_for
from tests.mqtt_receiver import publisher
from tests.stream_process import end, run, running


@contextmanager
def opened(text: str, **mqtt: Any) -> Iterator[EmbeddedBroker]:
    broker = open_broker(Settings(broker=text, mqtt=MqttSettings(**mqtt)))
    assert broker is not None
    try:
        yield broker
    finally:
        broker.close()


def refused(port: int, user: str, password: str) -> bool:
    """Tell whether a broker does not let a client in."""
    codes: list[bool] = []
    client = Client(CallbackAPIVersion.VERSION2)
    client.on_connect = lambda _c, _d, _f, reason, _p: codes.append(reason.is_failure)
    client.on_disconnect = lambda *_: codes.append(True)
    if user:
        client.username_pw_set(user, password)
    client.connect("127.0.0.1", port)
    client.loop_start()
    wait_for(lambda: codes)
    client.disconnect()
    client.loop_stop()
    return codes[0]


def test_nothing_asked_for_is_no_broker() -> None:
    assert open_broker(Settings()) is None


def test_by_default_it_is_on_this_machine_alone_and_asks_for_no_password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(MQTT_PASSWORD, "of another broker")
    plan = plan_broker(Settings(broker="embedded"))
    assert plan is not None
    assert [str(address) for address in plan.listeners] == ["127.0.0.1:1883"]
    assert (plan.user, plan.password) == (None, None)


@pytest.mark.parametrize(
    ("text", "listeners"),
    [
        ("embedded:1884", ["127.0.0.1:1884"]),
        ("embedded:[::1]:1884?websockets=9001", ["[::1]:1884", "[::1]:9001"]),
        ("embedded:localhost:1884", ["localhost:1884"]),
    ],
)
def test_it_may_be_elsewhere(text: str, listeners: list[str]) -> None:
    plan = plan_broker(Settings(broker=text))
    assert plan is not None
    assert [str(address) for address in plan.listeners] == listeners


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("mosquitto", "expected embedded"),
        ("embedded:port", "expected embedded"),
        ("embedded:0", "expected embedded"),
        ("embedded:99999", "expected embedded"),
        ("embedded:1.2.3.4:", "expected embedded"),
        ("embedded?websocket=1", "did you mean 'websockets'?"),
        ("embedded?websockets=x", "websockets: Expected `int`"),
        ("embedded?websockets=99999", "expected embedded"),
        ("embedded?user=phone", f"user 'phone' has no password: set {MQTT_PASSWORD}"),
        ("embedded:0.0.0.0:1883", "lets in whoever reaches this machine: add ?user=NAME"),
    ],
)
def test_what_is_wrong_is_one_line(text: str, fault: str) -> None:
    with pytest.raises(ConfigError) as caught:
        plan_broker(Settings(broker=text))
    assert fault in str(caught.value)
    assert "\n" not in str(caught.value)


def test_the_network_may_come_in_with_a_password_or_where_that_is_said_to_be_right(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert plan_broker(Settings(broker="embedded:0.0.0.0:1883", mqtt=MqttSettings(insecure=True)))
    monkeypatch.setenv(MQTT_PASSWORD, "secret")
    assert plan_broker(Settings(broker="embedded:0.0.0.0:1883?user=phone"))


def test_without_the_extra_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedded_broker, "find_spec", lambda _: None)
    with pytest.raises(ConfigError, match=r'pip install "har-stream\[broker\]"'):
        plan_broker(Settings(broker="embedded"))


def test_who_knows_the_password_comes_in_and_nobody_else(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(MQTT_PASSWORD, "secret")
    port = free_port()
    with opened(f"embedded:{port}?user=phone"):
        assert not refused(port, "phone", "secret")
        assert refused(port, "phone", "other")
        assert refused(port, "phone", "secre")
        assert refused(port, "other", "secret")
        assert refused(port, "", "")


def test_phones_come_over_websockets_and_the_ports_are_free_again_at_the_end() -> None:
    port, websockets = free_port(), free_port()
    for _ in range(2):
        with opened(f"embedded:{port}?websockets={websockets}"):
            listener = Listener(port)
            with publisher(port, websockets_port=websockets) as phone:
                phone.publish("sensor-logger", b"from a phone")
                wait_for(lambda: listener.payloads("sensor-logger"))  # noqa: B023 - it is waited for here
            listener.close()


def test_a_client_that_speaks_mqtt_5_is_told_at_once_that_it_is_not_spoken_here() -> None:
    connect = bytes.fromhex("10 19 0004 4d515454 05 02 000f 05 27 00100000 0007") + b"longish"
    port = free_port()
    with opened(f"embedded:{port}"), socket.create_connection(("127.0.0.1", port), timeout=5) as client:
        client.sendall(connect)
        assert client.recv(64) == b"\x20\x02\x00\x01"
        assert client.recv(64) == b""


@pytest.mark.parametrize("begin", [b"", b"\x10", b"\x10\xff\xff\xff\xff\xff", b"GET / HTTP/1.1\r\n\r\n", b"\x00" * 50])
def test_whatever_comes_in_the_broker_goes_on(begin: bytes) -> None:
    port = free_port()
    with opened(f"embedded:{port}"):
        with socket.create_connection(("127.0.0.1", port), timeout=5) as client:
            client.sendall(begin)
        assert not refused(port, "", "")


def test_a_network_that_may_listen_in_is_warned_of(caplog: pytest.LogCaptureFixture) -> None:
    port = free_port()
    with opened(f"embedded:0.0.0.0:{port}", insecure=True):
        pass
    assert f"broker: 0.0.0.0:{port}: what goes over it, passwords too, can be read on the way" in caplog.text
    caplog.clear()
    with opened(f"embedded:{port}"):
        pass
    assert not caplog.text


def test_an_address_for_websockets_that_is_taken_is_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as holder:
        port = holder.getsockname()[1]
        with pytest.raises(ConfigError, match=f"^broker: 127.0.0.1:{port}: Address already in use"):
            open_broker(Settings(broker=f"embedded:{free_port()}?websockets={port}"))


def test_an_address_that_is_taken_ends_the_start() -> None:
    with socket.create_server(("127.0.0.1", 0)) as holder:
        port = holder.getsockname()[1]
        ended = run("--broker", f"embedded:{port}", "--source", "sim:")
    assert (ended.code, ended.said) == (
        78,
        f"har-stream: broker: 127.0.0.1:{port}: Address already in use; give embedded another port\n",
    )


def test_a_daemon_and_a_device_need_no_other_broker() -> None:
    port = free_port()
    at = f"mqtt://localhost:{port}"
    with running("--broker", f"embedded:{port}", "--source", at, "--sink", f"{at}/har", "--state", "off") as process:
        wait_for(lambda: not free(port))
        activity, status = Listener(port, "har/+/activity"), Listener(port, "har/status")
        with bridge("simulate", "--to", f"{at}/har", "--script", "walking:60", "--speed", "20"):
            wait_for(lambda: any(text == "walking" for _, text, _ in activity.heard), 60)
        wait_for(lambda: status.payloads("har/status") == ["online"])
        ended = end(process, within_s=15)
        wait_for(lambda: status.payloads("har/status") == ["online", "offline"])
        activity.close()
        status.close()
    assert ended.code == 0
    assert "Traceback" not in ended.said
    assert "connection lost" not in ended.said


def free(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0


def test_the_core_loads_no_broker() -> None:
    program = "import sys, har_stream.cli, har_stream.daemon; sys.exit('amqtt' in sys.modules)"
    with running(program=program) as process:
        assert process.wait(60) == 0, sys.executable
