"""mqtt://user@host:port/prefix and mqtts://, for the commands of har-bridge."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import Final

from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion

from har_stream.broker import DEFAULT_PORTS, Broker, parse_broker, topic_prefix
from har_stream.errors import ConfigError
from har_stream.settings import MqttSettings
from har_stream.uri import parse_uri

SCHEMES: Final = tuple(f"{scheme}://" for scheme in DEFAULT_PORTS)
CLIENT: Final = "har-bridge"


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
        client = Client(CallbackAPIVersion.VERSION2, client_id=client_id())
        if self.broker.user is not None:
            client.username_pw_set(self.broker.user, self.broker.password)
        if self.broker.tls is not None:
            client.tls_set_context(self.broker.tls)
        return client


def client_id() -> str:
    """Return an id that no other client has."""
    return f"{CLIENT}-{secrets.token_hex(4)}"


def parse_broker_uri(text: str, settings: MqttSettings, *, wildcards: bool = False) -> BrokerUri:
    """Take a URI apart; path is a topic prefix, or with `wildcards` as it stands there. Raises ConfigError."""
    uri = parse_uri(text)
    if uri.scheme not in DEFAULT_PORTS or uri.query:
        raise ConfigError(f"{uri.text}: expected mqtt://host:port/prefix")
    broker = parse_broker(uri, settings)
    path = uri.rest.removeprefix("//").partition("/")[2].strip("/")
    return BrokerUri(broker, path if wildcards else topic_prefix(uri))
