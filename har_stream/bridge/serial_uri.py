"""The serial port that a command of har-bridge is given."""

from __future__ import annotations

from har_stream.devices import LAWFUL_ID
from har_stream.errors import ConfigError
from har_stream.uri import Uri, parse_uri


def serial_uri(text: str, device: str | None = None) -> Uri:
    """Return a port's URI; serial: may be left out, and `device` names what is on it. Raises ConfigError."""
    uri = parse_uri(text if text.startswith("serial:") else f"serial:{text}")
    if device is None:
        return uri
    if not LAWFUL_ID.fullmatch(device):
        raise ConfigError(f"--device: letters, digits, _ and -, 64 at most, not {device!r}")
    return Uri(uri.text, uri.scheme, uri.rest, uri.query | {"device": device})
