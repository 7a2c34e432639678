"""Which broker and how to get in: what a URI and [mqtt] may say."""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import Any

import pytest

from har_stream.broker import Broker, parse_broker
from har_stream.errors import ConfigError
from har_stream.settings import MQTT_PASSWORD, MqttSettings
from har_stream.uri import parse_uri
from tests.certificates import authority

SECRET = {MQTT_PASSWORD: "hush"}


def broker(uri: str, environment: dict[str, str] | None = None, **settings: Any) -> Broker:
    return parse_broker(parse_uri(uri), MqttSettings(**settings), environment or {})


@pytest.mark.parametrize(
    ("uri", "host", "port", "user"),
    [
        ("mqtt://host", "host", 1883, None),
        ("mqtts://host/har/+/imu", "host", 8883, None),
        ("mqtt://anna@host:1884/x?format=auto", "host", 1884, "anna"),
        ("mqtt://an%40na@[::1]:1", "::1", 1, "an@na"),
        ("mqtt://host/a@b:c", "host", 1883, None),
    ],
)
def test_a_uri_says_host_port_and_user(uri: str, host: str, port: int, user: str | None) -> None:
    one = broker(uri)
    assert (one.host, one.port, one.user, one.password) == (host, port, user, None)
    assert one.name == f"{uri.partition(':')[0]}://{f'[{host}]' if ':' in host else host}:{port}"


@pytest.mark.parametrize(
    ("uri", "reason"),
    [
        ("mqtt:", "expected mqtt://host:port/topic"),
        ("mqtt://", "expected mqtt://host"),
        ("mqtt:host", "expected mqtt://host"),
        ("mqtt://:1883", "expected mqtt://host"),
        ("mqtt://host:0", "expected mqtt://host"),
        ("mqtt://ho\x07st", "expected mqtt://host"),
        ("mqtt://host:99999", "no host and port"),
        ("mqtt://host:abc", "no host and port"),
        ("mqtt://[::1", "no host and port"),
        ("mqtt://a%00@host", "user: longer than 65535 bytes, or with a zero in it"),
        ("mqtt://a%FF@host", "user: not UTF-8 text"),
    ],
)
def test_a_faulty_uri_is_a_configuration_error(uri: str, reason: str) -> None:
    with pytest.raises(ConfigError, match=reason):
        broker(uri)


@pytest.mark.parametrize(
    "uri",
    ["mqtt://me:hush@host/x", "mqtt://me@:hush@host", "mqtts://:hush@host", "mqtt://me:hu:sh@h", "mqtt://m:hush@h@i"],
)
def test_a_password_in_a_uri_is_a_configuration_error_that_does_not_show_it(uri: str) -> None:
    with pytest.raises(ConfigError, match=f"no password in a URI.*{MQTT_PASSWORD}") as caught:
        broker(uri)
    assert "sh" not in str(caught.value)


def test_the_password_comes_from_the_environment_or_a_file(tmp_path: Path) -> None:
    path = tmp_path / "password"
    path.write_text("from file\r\n")
    path.chmod(0o600)
    assert broker("mqtts://me@host", password_file=str(path)).password == "from file"  # noqa: S105
    assert broker("mqtts://me@host", SECRET, password_file=str(path)).password == "hush"  # noqa: S105
    assert "hush" not in repr(broker("mqtts://me@host", SECRET))


def test_a_password_file_that_everybody_can_read_is_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "password"
    path.write_text("hush")
    path.chmod(0o640)
    broker("mqtts://me@host", password_file=str(path))
    assert not caplog.text
    path.chmod(0o644)
    broker("mqtts://me@host", password_file=str(path))
    assert f"mqtt.password_file: {path}: everybody on this machine can read it" in caplog.text
    assert "hush" not in caplog.text


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (None, "No such file"),
        (b"", "is empty"),
        (b"\n", "is empty"),
        (b"\xff", "not UTF-8"),
        (b"a\0", "zero"),
        (b"a" * 70_000, "longer"),
    ],
)
def test_a_password_file_that_holds_none_is_a_configuration_error(
    tmp_path: Path, content: bytes | None, reason: str
) -> None:
    path = tmp_path / "password"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ConfigError, match=f"mqtt.password_file: {path}: .*{reason}"):
        broker("mqtts://me@host", password_file=str(path))


@pytest.mark.parametrize("uri", ["mqtt://me@broker.example", "mqtt://me@192.168.0.2", "mqtt://me@localhost.example"])
def test_a_password_does_not_travel_without_tls_unless_it_is_allowed(uri: str) -> None:
    with pytest.raises(ConfigError, match=r"take mqtts://, or set mqtt.insecure = true") as caught:
        broker(uri, SECRET)
    assert "hush" not in str(caught.value)
    assert broker(uri, SECRET, insecure=True).password
    assert broker(uri.replace("mqtt:", "mqtts:"), SECRET).password
    assert broker(uri).password is None


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.1.2.3", "[::1]"])
def test_on_this_machine_a_password_may_go_without_tls(host: str) -> None:
    assert broker(f"mqtt://me@{host}", SECRET).password


def test_a_password_needs_a_user() -> None:
    with pytest.raises(ConfigError, match="needs a user name: mqtts://USER@host"):
        broker("mqtts://host", SECRET)


def test_tls_checks_certificate_and_host_name_and_takes_nothing_older_than_1_2(tmp_path: Path) -> None:
    for ca_file in ("", str(authority(tmp_path).certificate)):
        context = broker("mqtts://host", ca_file=ca_file).tls
        assert context is not None
        assert (context.verify_mode, context.check_hostname) == (ssl.CERT_REQUIRED, True)
        assert context.minimum_version == ssl.TLSVersion.TLSv1_2
    assert broker("mqtt://host").tls is None


@pytest.mark.parametrize(("content", "reason"), [(None, "No such file"), (b"text", "holds no certificates")])
def test_a_ca_file_that_is_none_is_a_configuration_error(tmp_path: Path, content: bytes | None, reason: str) -> None:
    path = tmp_path / "ca.pem"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ConfigError, match=f"mqtt.ca_file: {path}: {reason}"):
        broker("mqtts://host", ca_file=str(path))
