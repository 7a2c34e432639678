"""What is deployed, held against the programs that read it as far as they are here, else against its shape."""

from __future__ import annotations

import configparser
import json
import re
import shlex
import shutil
import socket
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from pathlib import Path
from typing import Any

import pytest
import yaml

import har_stream
from har_stream.cli import main
from har_stream.web.address import DEFAULT_PORT, Address
from har_stream.web.answers import Page
from har_stream.web.server import HttpServer
from tests.broker import Broker, Listener, wait_for
from tests.mqtt_receiver import publisher
from tests.stream_process import running

DEPLOY = Path(har_stream.__file__).parent / "deploy"
COMPOSE = DEPLOY / "compose"
UNIT = DEPLOY / "har-stream.service"
HIGHEST_EXPOSURE = 2.0
EXPOSURE = re.compile(r"Overall exposure level for har-stream.service: ([0-9.]+)")


def unit() -> dict[str, list[str]]:
    """The unit's directives, each with its values."""
    held: dict[str, list[str]] = {}
    for line in UNIT.read_text("utf-8").splitlines():
        if line and line[0] not in "#[":
            key, _, value = line.partition("=")
            held.setdefault(key, []).append(value)
    return held


def analyzed(*words: str) -> str:
    done = subprocess.run(["systemd-analyze", *words], capture_output=True, check=False, timeout=60)
    return (done.stdout + done.stderr).decode()


def test_the_units_sandbox_is_tight() -> None:
    told = EXPOSURE.search(analyzed("security", "--offline=yes", "--no-pager", str(UNIT)))
    assert told
    assert float(told[1]) <= HIGHEST_EXPOSURE


def test_systemd_understands_the_unit(tmp_path: Path) -> None:
    copy = tmp_path / UNIT.name
    copy.write_text(re.sub("^ExecStart=.*", "ExecStart=/bin/true", UNIT.read_text("utf-8"), flags=re.MULTILINE))
    said = [line for line in analyzed("verify", str(copy)).splitlines() if UNIT.name in line]
    assert said == []


def test_the_unit_reaches_serial_ports_and_keeps_the_daemons_promises() -> None:
    held = unit()
    assert held["Type"] == ["notify"]
    assert {"char-ttyUSB rw", "char-ttyACM rw"} <= set(held["DeviceAllow"])
    assert "PrivateDevices" not in held
    assert "dialout" in held["SupplementaryGroups"]
    assert held["RestartPreventExitStatus"] == ["78"]
    assert held["ExecReload"] == ["/bin/kill -HUP $MAINPID"]
    assert int(held["WatchdogSec"][0]) >= 10


def test_the_unit_starts_the_command_as_it_is(tmp_path: Path) -> None:
    words = shlex.split(unit()["ExecStart"][0])
    config = tmp_path / "config.toml"
    config.write_text("source = 'sim:'\n")
    assert words[:2] == ["/opt/har-stream/bin/har-stream", "run"]
    given = [str(config) if word == "/etc/har-stream/config.toml" else word for word in words[2:]]
    assert main(["check", *given]) == 0


def compose() -> dict[str, Any]:
    held: dict[str, Any] = yaml.safe_load((COMPOSE / "compose.yaml").read_text("utf-8"))
    return held


def test_docker_compose_understands_the_file() -> None:
    words = ["docker", "compose", "-f", str(COMPOSE / "compose.yaml"), "config", "--quiet"]
    if shutil.which("docker") is None or subprocess.run(words[:2], capture_output=True, check=False).returncode:
        pytest.skip("docker compose is not here")
    done = subprocess.run(words, capture_output=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr


def test_every_file_and_service_that_the_compose_file_names_is_there() -> None:
    held = compose()
    assert set(held) <= {"name", "services", "volumes"}
    for service in held["services"].values():
        assert ("image" in service) != ("build" in service)
        assert set(service.get("depends_on", [])) <= set(held["services"])
        for volume in service["volumes"]:
            origin = volume.partition(":")[0]
            there = (COMPOSE / origin).is_file() if origin.startswith(".") else origin in held["volumes"]
            assert there, volume
        for port in service.get("ports", []):
            assert port.startswith("127.0.0.1:"), "this machine's own, until somebody decides otherwise"
    build = held["services"]["har-stream"]["build"]
    assert (COMPOSE / build["context"] / build["dockerfile"]).samefile(DEPLOY / "Dockerfile")


def test_the_containers_command_is_right(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    service = compose()["services"]["har-stream"]
    for variable, value in service["environment"].items():
        monkeypatch.setenv(variable, value)
    monkeypatch.setenv("HAR_STREAM_STATE", str(tmp_path))
    assert main(["check", *service["command"]]) == 0


def test_prometheus_asks_the_daemon_and_grafana_asks_prometheus() -> None:
    services = compose()["services"]
    prometheus = yaml.safe_load((COMPOSE / "prometheus.yml").read_text("utf-8"))
    (target,) = prometheus["scrape_configs"][0]["static_configs"][0]["targets"]
    assert target == f"har-stream:{DEFAULT_PORT}"
    (origin,) = yaml.safe_load((COMPOSE / "grafana" / "datasources.yaml").read_text("utf-8"))["datasources"]
    host, port = origin["url"].removeprefix("http://").split(":")
    assert services[host]["ports"] == [f"127.0.0.1:{port}:{port}"]
    (provider,) = yaml.safe_load((COMPOSE / "grafana" / "dashboards.yaml").read_text("utf-8"))["providers"]
    mounted = [volume.split(":")[1] for volume in services["grafana"]["volumes"]]
    assert f"{provider['options']['path']}/har-stream.json" in mounted


def test_promtool_understands_prometheus_settings(tmp_path: Path) -> None:
    (tmp_path / "har-stream-rules.yml").write_bytes((DEPLOY / "prometheus-rules.yml").read_bytes())
    shutil.copy(COMPOSE / "prometheus.yml", tmp_path)
    words = ["promtool", "check", "config", str(tmp_path / "prometheus.yml")]
    done = subprocess.run(words, capture_output=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    assert b"rules found" in done.stdout
    mounted = [volume.split(":")[1] for volume in compose()["services"]["prometheus"]["volumes"]]
    assert "/etc/prometheus/har-stream-rules.yml" in mounted


def test_mosquitto_runs_with_its_settings(tmp_path: Path) -> None:
    text = (COMPOSE / "mosquitto.conf").read_text("utf-8").replace("/mosquitto/data", str(tmp_path))
    assert str(tmp_path) in text
    broker = Broker(tmp_path)
    plain, websockets = text.split("listener 9001")
    lines = plain.replace("listener 1883", f"user root\nlistener {broker.port} 127.0.0.1")
    broker.configure(lines + f"listener {(free := Broker(tmp_path).port)} 127.0.0.1" + websockets)
    broker.start()
    try:
        listener = Listener(broker.port)
        with publisher(broker.port, websockets_port=free) as phone:
            phone.publish("sensor-logger", b"from a phone")
            wait_for(lambda: listener.payloads("sensor-logger") == ["from a phone"])
        listener.close()
    finally:
        broker.stop()


def dockerfile(word: str) -> list[str]:
    text = (DEPLOY / "Dockerfile").read_text("utf-8").replace("\\\n", " ")
    return [line.partition(" ")[2].strip() for line in text.splitlines() if line.startswith(f"{word} ")]


def test_the_image_runs_as_nobody_special_and_takes_only_what_is_installed() -> None:
    assert dockerfile("USER") == ["har-stream"]
    assert len(dockerfile("FROM")) == 2
    assert dockerfile("COPY")[-1] == "--from=build /opt/har-stream /opt/har-stream"
    lines = (DEPLOY / "Dockerfile.dockerignore").read_text("utf-8").splitlines()
    root = COMPOSE / "../../.."
    assert all((root / line[1:]).exists() for line in lines if line.startswith("!"))
    assert lines[1] == "*"


@contextmanager
def answering(status: HTTPStatus) -> Iterator[int]:
    listening = socket.create_server(("127.0.0.1", 0))
    port: int = listening.getsockname()[1]
    address = Address("127.0.0.1", port, given=True)
    server = HttpServer(listening, address, lambda _path, _query: Page(status, "text/plain", b""))
    server.start()
    yield port
    server.close()


@pytest.mark.parametrize(
    ("status", "healthy"), [(HTTPStatus.OK, True), (HTTPStatus.SERVICE_UNAVAILABLE, False), (HTTPStatus.FOUND, False)]
)
def test_the_images_health_is_the_daemons(status: HTTPStatus, *, healthy: bool) -> None:
    words: list[str] = json.loads(dockerfile("HEALTHCHECK")[0].partition("CMD ")[2])
    with answering(status) as port:
        here = [word.replace(str(DEFAULT_PORT), str(port)) for word in words[1:]]
        assert any(str(port) in word for word in here)
        done = subprocess.run([sys.executable, *here], capture_output=True, check=False, timeout=60)
    assert (done.returncode == 0) is healthy


def test_the_images_default_command_streams() -> None:
    with running(*json.loads(dockerfile("CMD")[0])) as process:
        assert process.stdout is not None
        assert json.loads(process.stdout.readline())["device"] == "sim01"


def test_all_that_is_deployed_is_installed_with_the_package() -> None:
    held = configparser.ConfigParser()
    held.read(COMPOSE / "../../../setup.cfg")
    patterns = held["options.package_data"]["har_stream"].split()
    shipped = {path for pattern in patterns for path in DEPLOY.parent.glob(pattern)}
    assert {path for path in DEPLOY.rglob("*") if path.is_file()} <= shipped
    assert tomllib.loads((DEPLOY.parent / "config.toml").read_text("utf-8"))
