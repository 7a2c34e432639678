"""The settings in force as TOML, a line each with its origin, and no secret in it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import msgspec

from har_stream.settings import HTTP_TOKEN, MQTT_PASSWORD, Settings
from har_stream.uri import PASSWORD

DEFAULT: Final = "default"
MASK: Final = "***"
SECRET_KEYS: Final = ("password", "secret", "token")
"""How a key ends whose value is nobody's business; a file that holds one may be named."""
CREDENTIAL: Final = "mqtt_password"
"""What systemd's LoadCredential calls the broker's password."""
BARE: Final = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-")


def shown(settings: Settings, origins: Mapping[str, str], environment: Mapping[str, str]) -> Iterator[str]:
    """Yield a line for every key, first those above all sections, and one for each secret that is set."""
    lines = [
        (f"{_path(parts)} = {_toml(_masked(parts[-1], value))}", origins.get(".".join(parts), DEFAULT))
        for parts, value in _values(msgspec.to_builtins(settings), ())
    ]
    width = max(len(line) for line, _ in lines if len(line) < 60)  # noqa: PLR2004 - longer ones stand out by themselves
    for line, origin in lines:
        yield f"{line:<{width}}  # {origin}"
    if environment.get(MQTT_PASSWORD):
        yield f"# the broker's password: {MASK}  # environment, {MQTT_PASSWORD}"
    if environment.get(HTTP_TOKEN):
        yield f"# the token of HTTP: {MASK}  # environment, {HTTP_TOKEN}"
    folder = environment.get("CREDENTIALS_DIRECTORY")
    if folder and (Path(folder) / CREDENTIAL).exists():
        yield f"# the broker's password: {MASK}  # systemd credential, {CREDENTIAL}"


def _values(table: Mapping[str, Any], above: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any]]:
    for key, value in table.items():
        if isinstance(value, dict):
            yield from _values(value, (*above, key))
        else:
            yield (*above, key), value


def _masked(key: str, value: Any) -> Any:
    if isinstance(value, (list, tuple)):
        return [_masked(key, one) for one in value]
    if isinstance(value, str) and value and key.endswith(SECRET_KEYS):
        return MASK
    return PASSWORD.sub(rf"\1:{MASK}@", value) if isinstance(value, str) else value


def _path(parts: tuple[str, ...]) -> str:
    return ".".join(part if part and BARE.issuperset(part) else _toml(part) for part in parts)


def _toml(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007F")
