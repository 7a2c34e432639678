"""A real Mosquitto on a free port, with or without passwords, and a client that notes what it hears."""

from __future__ import annotations

import contextlib
import itertools
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion

START_S = 60.0


WORKERS = 8
PORTS_EACH = 2000
FIRST_PORT = 12_000


def free_port() -> int:
    """A port that is free, and still is when somebody is to listen there, a second later.

    It is none of those that the system gives to whoever connects or asks for any, and each of pytest's workers has
    its own.
    """
    for port in _ports:
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
    raise AssertionError  # there is always a next one


def _ports_of(worker: str) -> Iterator[int]:
    """Yield the ports of one of pytest's workers, gw0, gw1 ..., again and again; a process begins anywhere in them."""
    first = FIRST_PORT + PORTS_EACH * (int(worker.removeprefix("gw") or WORKERS) % (WORKERS + 1))
    begin = os.getpid() % PORTS_EACH
    return itertools.cycle([first + (begin + number) % PORTS_EACH for number in range(PORTS_EACH)])


_ports = _ports_of(os.environ.get("PYTEST_XDIST_WORKER", ""))


class Broker:
    """Mosquitto on loopback; start and stop as a test needs it. `settings` are further lines of its configuration."""

    def __init__(self, folder: Path, *settings: str) -> None:
        self.port = free_port()
        self._config = folder / "mosquitto.conf"
        # Under root it would become a user who may not read a test's files.
        lines = ("user root", f"listener {self.port} 127.0.0.1", *(settings or ("allow_anonymous true",)))
        self._config.write_text("\n".join(lines) + "\n", "utf-8")
        self._process: subprocess.Popen[bytes] | None = None

    def configure(self, text: str) -> None:
        """Run with a whole configuration of one's own."""
        self._config.write_text(text, "utf-8")

    def start(self, before: tuple[str, ...] = ()) -> None:
        """Start it, by a command of which `before` is the beginning; return when it listens."""
        program = shutil.which("mosquitto") or "/usr/sbin/mosquitto"
        self._process = subprocess.Popen([*before, program, "-c", str(self._config)], stderr=subprocess.DEVNULL)
        if before:
            return  # elsewhere: it cannot be seen from here
        until_s = time.monotonic() + START_S
        while time.monotonic() < until_s:
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
            except OSError:
                time.sleep(0.02)
            else:
                return
        raise TimeoutError("mosquitto did not start")

    def hang(self) -> None:
        if self._process is not None:
            self._process.send_signal(signal.SIGSTOP)

    def go_on(self) -> None:
        if self._process is not None:
            self._process.send_signal(signal.SIGCONT)

    def save(self) -> None:
        """Have sessions and what is retained written to disk, where the settings are those of persistent()."""
        before_ns = self._saved_ns
        if self._process is not None:
            self._process.send_signal(signal.SIGUSR1)
            wait_for(lambda: self._saved_ns > before_ns)

    @property
    def _saved_ns(self) -> int:
        """When it wrote last to disk."""
        database = self._config.parent / "mosquitto.db"
        return database.stat().st_mtime_ns if database.exists() else 0

    def stop(self) -> None:
        """Kill it with SIGKILL."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None


def persistent(folder: Path) -> tuple[str, ...]:
    """Settings of a broker that keeps sessions over its death, and passes all on at once.

    A listener with QoS 0 acknowledges nothing: one that writes to a broker that died would lose what it has not read.
    """
    lines = ("persistence true", f"persistence_location {folder}/", "max_queued_messages 0", "queue_qos0_messages true")
    return ("allow_anonymous true", *lines)


def with_password(folder: Path, user: str, password: str) -> tuple[str, ...]:
    """Settings of a broker that takes one user."""
    path = folder / "passwords"
    tool = shutil.which("mosquitto_passwd") or "/usr/bin/mosquitto_passwd"
    subprocess.run([tool, "-c", "-b", str(path), user, password], check=True, capture_output=True)
    return ("allow_anonymous false", f"password_file {path}")


class Listener:
    """A second client that subscribes to everything, and comes back with its session where `lasting`.

    tls: a certificate authority, and a client's certificate and key.
    """

    def __init__(
        self, port: int, topic: str = "#", *, lasting: bool = False, tls: tuple[Path, Path, Path] | None = None
    ) -> None:
        self.heard: list[tuple[str, str, bool]] = []
        self._client = Client(
            CallbackAPIVersion.VERSION2, client_id="listener" if lasting else "", clean_session=not lasting
        )
        self._client.reconnect_delay_set(1, 1)
        if tls is not None:
            ca, certificate, key = map(str, tls)
            self._client.tls_set(ca, certificate, key)
        self._client.on_message = self._note
        self._client.on_subscribe = self._subscribed
        self._ready = False
        self._client.connect("127.0.0.1", port)
        self._client.subscribe(topic, qos=0 if lasting else 1)
        self._client.loop_start()
        wait_for(lambda: self._ready)

    def payloads(self, topic: str) -> list[str]:
        return [payload for heard, payload, _ in self.heard if heard == topic]

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def _note(self, _client: Client, _data: Any, message: MQTTMessage) -> None:
        self.heard.append((message.topic, message.payload.decode(), message.retain))

    def _subscribed(self, *_: Any) -> None:
        self._ready = True


def wait_for(condition: Any, timeout_s: float = 60.0) -> None:
    """Wait until a condition holds. Raises TimeoutError where it does not come to."""
    until_s = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() > until_s:
            raise TimeoutError
        time.sleep(0.02)
