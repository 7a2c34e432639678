"""An MQTT broker in this process, for those who have none: broker = "embedded:HOST:PORT?websockets=PORT&user=NAME".

    thread "broker": asyncio loop of amqtt          sources and sinks connect to mqtt://localhost as to any other

On this machine alone anybody may connect. On another address a user with a password is asked for, unless
mqtt.insecure lets everybody in. It speaks MQTT 3.1.1, without TLS, and keeps nothing across restarts.
"""

from __future__ import annotations

import asyncio
import logging
import os
import socket
from dataclasses import dataclass
from importlib.util import find_spec
from threading import Event, Thread
from typing import Any, Final

import msgspec

from har_stream.broker import password_of
from har_stream.errors import ConfigError
from har_stream.settings import MQTT_PASSWORD, Settings
from har_stream.uri import parse_uri
from har_stream.web.address import Address, parse_address

EMBEDDED: Final = "embedded"
DEFAULT_HOST: Final = "127.0.0.1"
DEFAULT_PORT: Final = 1883
MOST_CONNECTIONS: Final = 256
START_S: Final = 10.0
END_S: Final = 2.0
EXAMPLE: Final = "embedded, embedded:PORT or embedded:HOST:PORT?websockets=PORT&user=NAME"

log = logging.getLogger(__name__)


class BrokerOptions(msgspec.Struct, frozen=True):
    """What may follow the question mark; websockets is a further port for clients such as phones, 0 for none."""

    websockets: int = 0
    user: str = ""


@dataclass(frozen=True, slots=True)
class BrokerPlan:
    """Where the broker listens, and who may come in: user is None where everybody may."""

    address: Address
    websockets: Address | None
    user: str | None
    password: str | None

    @property
    def listeners(self) -> list[Address]:
        """All addresses."""
        return [self.address, *([self.websockets] if self.websockets is not None else [])]


def plan_broker(settings: Settings) -> BrokerPlan | None:
    """Return what the settings ask for, None for no broker. Raises ConfigError."""
    text = settings.broker
    if not text:
        return None
    word, _, query = text.partition("?")
    kind, _, rest = word.partition(":")
    if kind != EMBEDDED:
        raise ConfigError(f"broker: {text!r}: expected {EXAMPLE}")
    options = parse_uri(f"{EMBEDDED}:?{query}" if query else f"{EMBEDDED}:").options(BrokerOptions)
    address = _address(rest, text)
    websockets = _address(f"{address.at(options.websockets)}", text) if options.websockets else None
    if find_spec("amqtt") is None:
        raise ConfigError('broker: the embedded broker is not installed: pip install "har-stream[broker]"')
    password = password_of(settings.mqtt) if options.user else None
    if options.user and password is None:
        raise ConfigError(f"broker: user {options.user!r} has no password: set {MQTT_PASSWORD} or mqtt.password_file")
    if not (address.loopback or options.user or settings.mqtt.insecure):
        raise ConfigError(
            f"broker: {address} lets in whoever reaches this machine: add ?user=NAME and set {MQTT_PASSWORD}, "
            "or set mqtt.insecure = true"
        )
    return BrokerPlan(address, websockets, options.user or None, password)


def _address(text: str, whole: str) -> Address:
    try:
        full = f"{DEFAULT_HOST}:{text or DEFAULT_PORT}" if ":" not in text else text
        address = parse_address(full)
    except ConfigError:
        address = None
    if address is None or address.port == 0:
        raise ConfigError(f"broker: {whole!r}: expected {EXAMPLE}")
    return address


class EmbeddedBroker:
    """A broker that runs. Raises ConfigError where it cannot listen."""

    def __init__(self, plan: BrokerPlan) -> None:
        for address in plan.listeners:
            _try(address)
        self._plan = plan
        self._up = Event()
        self._why = ""
        self._loop = asyncio.new_event_loop()
        # What a client's connection ends by is no news of ours, least of all a traceback.
        self._loop.set_exception_handler(lambda _, context: log.debug("broker: %s", context.get("message")))
        self._ending = asyncio.Event()
        self._thread = Thread(target=self._run, name="broker", daemon=True)
        self._thread.start()
        if not self._up.wait(START_S) or self._why:
            raise ConfigError(f"broker: {plan.address}: {self._why or 'does not start'}")
        log.info("broker: listens on %s", " and, for WebSocket, ".join(map(str, plan.listeners)))
        if not plan.address.loopback:
            log.warning("broker: %s: what goes over it, passwords too, can be read on the way", plan.address)

    def close(self) -> None:
        """Disconnect everybody and end."""
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._ending.set)
            self._thread.join(END_S)

    def _run(self) -> None:
        try:
            self._loop.run_until_complete(self._serve())
        except Exception as error:  # noqa: BLE001 - whatever amqtt raises ends the broker alone, and is told
            self._why = str(error)
            if self._up.is_set():
                log.error("broker: ended by %r", error)  # noqa: TRY400 - one line
        finally:
            self._up.set()
            self._loop.close()

    async def _serve(self) -> None:
        from har_stream.embedded_clients import PlainBroker  # noqa: PLC0415 - who has no such broker need not load it

        # Its every connection would be a line, and its faults tracebacks; what matters is told here.
        for name in ("amqtt", "transitions", "websockets"):
            logging.getLogger(name).setLevel(logging.CRITICAL + 1)
        broker = PlainBroker(_configuration(self._plan))
        await broker.start()
        self._up.set()
        await self._ending.wait()
        await broker.shutdown()


def _configuration(plan: BrokerPlan) -> dict[str, Any]:
    kinds = ["tcp", "ws"]
    listeners = {
        name: {"type": kind, "bind": str(address), "max_connections": MOST_CONNECTIONS}
        for name, kind, address in zip(("default", "websockets"), kinds, plan.listeners, strict=False)
    }
    login: dict[str, Any] = (
        {"har_stream.embedded_clients.Login": {"user": plan.user, "password": plan.password}}
        if plan.user is not None
        else {"amqtt.plugins.authentication.AnonymousAuthPlugin": {"allow_anonymous": True}}
    )
    return {"listeners": listeners, "plugins": login}


def _try(address: Address) -> None:
    """Raise ConfigError where an address cannot be had."""
    try:
        family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
        socket.create_server((address.host, address.port), family=family).close()
    except OSError as error:
        why = os.strerror(error.errno) if error.errno and not isinstance(error, socket.gaierror) else error.strerror
        raise ConfigError(f"broker: {address}: {why}; give embedded another port") from None


def open_broker(settings: Settings) -> EmbeddedBroker | None:
    """Start the broker that the settings ask for, if they do. Raises ConfigError."""
    plan = plan_broker(settings)
    return EmbeddedBroker(plan) if plan is not None else None
