"""mqtt://host:port/prefix and mqtts://, for the commands of har-bridge."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import Final

from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion

from har_stream.broker import DEFAULT_PORTS, Broker, parse_broker
from har_stream.errors import ConfigError
from har_stream.settings import MqttSettings
from har_stream.uri import Uri

SCHEMES: Final = tuple(f"{scheme}://" for scheme in DEFAULT_PORTS)
DEFAULT_PREFIX: Final = "har"
WILDCARDS: Final = frozenset("+#")


@dataclass(frozen=True, slots=True)
class BrokerUri:
    """A broker and what stands behind it in the URI."""

    broker: Broker
    path: str

    @property
    def name(self) -> str:
        """How it is named in what is told."""
        return self.broker.name

    def client(self) -> Client:
        """Return a client that knows how to get in."""
        client = Client(CallbackAPIVersion.VERSION2, client_id=f"har-bridge-{secrets.token_hex(4)}")
        if self.broker.user is not None:
            client.username_pw_set(self.broker.user, self.broker.password)
        if self.broker.tls is not None:
            client.tls_set_context(self.broker.tls)
        return client


def parse_broker_uri(text: str, settings: MqttSettings, *, wildcards: bool = False) -> BrokerUri:
    """Take a URI apart; path is a topic prefix, or with `wildcards` a filter of topics. Raises ConfigError."""
    scheme, _, rest = text.partition(":")
    if scheme not in DEFAULT_PORTS:
        raise ConfigError(f"{text}: expected mqtt://host:port/prefix")
    broker = parse_broker(Uri(text, scheme, rest, {}), settings)
    path = rest.removeprefix("//").partition("/")[2].strip("/") or DEFAULT_PREFIX
    unlawful = frozenset("\0") if wildcards else WILDCARDS | {"\0"}
    if any(not level for level in path.split("/")) or unlawful & set(path) or path.startswith("$"):
        raise ConfigError(f"{text}: {path!r} is no lawful topic")
    return BrokerUri(broker, path)
