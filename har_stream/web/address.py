"""Where the daemon listens for HTTP: HOST:PORT, "off", or nothing for the default."""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Final

from har_stream.errors import ConfigError

OFF: Final = "off"
DEFAULT_HOST: Final = "127.0.0.1"
DEFAULT_PORT: Final = 9478
LARGEST_PORT: Final = 65_535
SHAPE: Final = re.compile(r"(?P<host>\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+):(?P<port>[0-9]{1,5})")


@dataclass(frozen=True, slots=True)
class Address:
    """A host, without the brackets of IPv6, and a port, 0 for a free one; given tells that the user asked for it."""

    host: str
    port: int
    given: bool

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    def at(self, port: int) -> Address:
        """Return the same host with another port."""
        return Address(self.host, port, self.given)

    @property
    def loopback(self) -> bool:
        """Tell whether this machine alone can reach it."""
        try:
            return ip_address(self.host).is_loopback
        except ValueError:
            return self.host == "localhost"


def parse_address(text: str) -> Address | None:
    """Return the address that the setting http means, None where it is off. Raises ConfigError."""
    if text == OFF:
        return None
    if not text:
        return Address(DEFAULT_HOST, DEFAULT_PORT, given=False)
    match = SHAPE.fullmatch(text)
    if match is None or int(match["port"]) > LARGEST_PORT:
        raise ConfigError(f"http: {text!r} is no address: expected HOST:PORT, such as {DEFAULT_HOST}:9478, or {OFF}")
    return Address(match["host"].strip("[]"), int(match["port"]), given=True)
