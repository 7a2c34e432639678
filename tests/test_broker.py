"""Which broker and how to get in: what a URI and [mqtt] may say."""

from __future__ import annotations

import ssl
import subprocess
from pathlib import Path
from typing import Any

import pytest

from har_stream.broker import Broker, parse_broker, topic_prefix
from har_stream.errors import ConfigError
from har_stream.settings import MQTT_PASSWORD, MqttSettings, TlsSettings
from har_stream.uri import parse_uri
from tests.certificates import authority

SECRET = {MQTT_PASSWORD: "hush"}
NO_SECRET = {MQTT_PASSWORD: ""}


def broker(uri: str, environment: dict[str, str] | None = None, **settings: Any) -> Broker:
    return parse_broker(parse_uri(uri), MqttSettings(**settings), environment or {})


def with_tls(**tls: Path | str) -> Broker:
    return broker("mqtts://host", tls=TlsSettings(**{key: str(path) for key, path in tls.items()}))


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
    one = broker(uri, insecure=True)
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
    path.write_text(" from file \r\n")
    path.chmod(0o600)
    assert broker("mqtts://me@host", password_file=str(path)).password == " from file "  # noqa: S105
    assert broker("mqtts://me@host", NO_SECRET, password_file=str(path)).password == " from file "  # noqa: S105
    assert broker("mqtts://host", NO_SECRET).password is None
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


@pytest.mark.parametrize("uri", ["mqtt://broker.example/har", "mqtt://192.168.0.2", "mqtt://[fe80::1]"])
def test_nothing_goes_to_another_machine_without_tls_unless_it_is_allowed(uri: str) -> None:
    with pytest.raises(ConfigError, match=r"readable to all on the way: take mqtts://, or set mqtt.insecure = true"):
        broker(uri)
    assert broker(uri, insecure=True).tls is None
    assert broker(uri.replace("mqtt:", "mqtts:")).tls is not None


def test_systemds_credential_comes_after_environment_and_file(tmp_path: Path) -> None:
    path, folder = tmp_path / "password", tmp_path / "credentials"
    folder.mkdir()
    for one, text in ((path, "from file"), (folder / "mqtt_password", "from systemd\n")):
        one.write_text(text)
        one.chmod(0o600)
    given = {"CREDENTIALS_DIRECTORY": str(folder)}
    assert broker("mqtts://me@host", given).password == "from systemd"  # noqa: S105
    assert broker("mqtts://me@host", given, password_file=str(path)).password == "from file"  # noqa: S105
    assert broker("mqtts://me@host", given | SECRET, password_file=str(path)).password == "hush"  # noqa: S105
    assert broker("mqtts://host", {"CREDENTIALS_DIRECTORY": str(tmp_path)}).password is None
    (folder / "mqtt_password").write_text("\n")  # what the unit sets where there is no file
    assert broker("mqtts://me@host", given).password is None


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.1.2.3", "[::1]"])
def test_on_this_machine_a_password_may_go_without_tls(host: str) -> None:
    assert broker(f"mqtt://me@{host}", SECRET).password


def test_a_password_needs_a_user() -> None:
    with pytest.raises(ConfigError, match="needs a user name: mqtts://USER@host"):
        broker("mqtts://host", SECRET)


def test_tls_checks_certificate_and_host_name_and_takes_nothing_older_than_1_2(tmp_path: Path) -> None:
    for ca_file in ("", str(authority(tmp_path).certificate)):
        context = with_tls(ca_file=ca_file).tls
        assert context is not None
        assert (context.verify_mode, context.check_hostname) == (ssl.CERT_REQUIRED, True)
        assert context.minimum_version == ssl.TLSVersion.TLSv1_2
    assert broker("mqtt://localhost").tls is None


@pytest.mark.parametrize(("content", "reason"), [(None, "No such file"), (b"text", "holds no certificates")])
def test_a_ca_file_that_is_none_is_a_configuration_error(tmp_path: Path, content: bytes | None, reason: str) -> None:
    path = tmp_path / "ca.pem"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ConfigError, match=f"mqtt.tls.ca_file: {path}: {reason}"):
        with_tls(ca_file=path)


def test_a_clients_certificate_and_key_must_be_there_and_fit(tmp_path: Path) -> None:
    ours = authority(tmp_path)
    certificate, key = ours.issue_client("watch")
    assert with_tls(cert_file=certificate, key_file=key).tls
    both = tmp_path / "both.pem"
    both.write_bytes(certificate.read_bytes() + key.read_bytes())
    assert with_tls(cert_file=both).tls
    locked = tmp_path / "locked.key"
    words = ("openssl", "pkey", "-in", str(key), "-aes256", "-passout", "pass:hush", "-out", str(locked))
    subprocess.run(words, check=True, capture_output=True)
    for faulty, reason in [
        ({"key_file": key}, "mqtt.tls.key_file: a key needs its certificate"),
        ({"cert_file": tmp_path / "none.pem"}, "mqtt.tls.cert_file: .*none.pem: No such file"),
        ({"cert_file": certificate, "key_file": tmp_path / "none.key"}, "mqtt.tls.key_file: .*none.key: No such file"),
        ({"cert_file": certificate}, "no certificate .PEM. with its own key"),
        ({"cert_file": certificate, "key_file": ours.key}, "no certificate .PEM. with its own key"),
        ({"cert_file": certificate, "key_file": locked}, "not encrypted"),
    ]:
        with pytest.raises(ConfigError, match=reason):
            with_tls(**faulty)


@pytest.mark.parametrize(
    ("path", "prefix"), [("", "har"), ("/", "har"), ("/home/har/", "home/har"), ("/my%20home", "my home")]
)
def test_a_uris_path_is_a_topic_prefix(path: str, prefix: str) -> None:
    assert topic_prefix(parse_uri(f"mqtt://host{path}")) == prefix


@pytest.mark.parametrize(
    "path", ["/a//b", "/a/+", "/%23", "/a#b", "/$SYS", "/a%00", "/%0A", "/%FF", "/" + "a" * 2000, "/a?x=1"]
)
def test_an_unlawful_prefix_is_a_configuration_error(path: str) -> None:
    with pytest.raises(ConfigError, match=r"no lawful topic prefix|expected mqtt://"):
        topic_prefix(parse_uri(f"mqtt://host{path}"))
