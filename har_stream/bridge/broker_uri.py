"""mqtt://host:port/prefix, for the commands of har-bridge."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from har_stream.errors import ConfigError

SCHEME: Final = "mqtt://"
DEFAULT_PORT: Final = 1883
DEFAULT_PREFIX: Final = "har"
WILDCARDS: Final = frozenset("+#")


@dataclass(frozen=True, slots=True)
class BrokerUri:
    """A broker and what stands behind it in the URI."""

    host: str
    port: int
    path: str

    @property
    def name(self) -> str:
        """How it is named in what is told."""
        return f"{SCHEME}{self.host}:{self.port}"


def parse_broker(text: str, *, wildcards: bool = False) -> BrokerUri:
    """Take a URI apart; path is a topic prefix, or with `wildcards` a filter of topics. Raises ConfigError."""
    try:
        parts = urlsplit(text)
        host, port = parts.hostname, DEFAULT_PORT if parts.port is None else parts.port
    except ValueError:
        raise ConfigError(f"{text}: expected mqtt://host:port/prefix") from None
    path = text.removeprefix(SCHEME).partition("/")[2].strip("/") or DEFAULT_PREFIX
    if parts.scheme != "mqtt" or not host or port == 0:
        raise ConfigError(f"{text}: expected mqtt://host:port/prefix")
    if parts.username or parts.password:
        raise ConfigError(f"mqtt://{host}: har-bridge knows no user or password yet")
    lawful = set("\0 ") if wildcards else WILDCARDS | {"\0"}
    if any(not level for level in path.split("/")) or lawful & set(path) or path.startswith("$"):
        raise ConfigError(f"{text}: {path!r} is no lawful topic")
    return BrokerUri(host, port, path)
