"""har-stream label: says what a device's body really does to the har-stream that runs, or shows what was said."""

from __future__ import annotations

import argparse
import json
import os
import socket
from collections.abc import Mapping
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException
from typing import Any, Final

from har_stream.activities import ACTIVITIES
from har_stream.errors import ConfigError, HarStreamError, InputError, UnavailableError, nearest
from har_stream.settings import HTTP_TOKEN, Settings
from har_stream.web.address import DEFAULT_HOST, OFF, Address, parse_address
from har_stream.web.answers import JSON, LABELS
from har_stream.web.token import token_of

NONE: Final = ("none", "stop")
"""Words for no activity."""
ANYWHERE: Final = {"0.0.0.0": DEFAULT_HOST, "::": "::1"}  # noqa: S104 - who listens there is asked on loopback
TIMEOUT_S: Final = 5.0
WRONG: Final[Mapping[int, type[HarStreamError]]] = {HTTPStatus.NOT_FOUND: InputError}
"""What is wrong with the data; all else is with the configuration."""


def label(arguments: argparse.Namespace, settings: Settings, environment: Mapping[str, str] = os.environ) -> int:
    """Say, or show. Raises ConfigError, InputError for an unknown device, UnavailableError where nobody answers."""
    address = parse_address(settings.http)
    if address is None:
        raise ConfigError(f"http: {OFF}: a running har-stream is asked over HTTP: give --http HOST:PORT")
    headers = _headers(address, token_of(settings, environment))
    if arguments.activity is None:
        told = _ask(address, headers, None)
    else:
        activity = _activity(arguments.activity)
        told = _ask(address, headers, json.dumps({"device": arguments.device, "activity": activity}).encode())
    _show(told, arguments.device)
    return os.EX_OK


def _activity(word: str) -> str | None:
    if word in NONE:
        return None
    if word not in ACTIVITIES:
        raise ConfigError(f"no activity {word!r}{nearest(word, (*ACTIVITIES, *NONE))}")
    return word


def _headers(address: Address, token: str | None) -> dict[str, str]:
    """Return the headers of a request. Raises ConfigError where a token would travel for all to read."""
    if token is None:
        return {"Content-Type": JSON}
    if not (address.loopback or _is_own(address.host)):
        raise ConfigError(
            f"http: {address}: the token would travel there unencrypted; give this command on that machine"
        )
    return {"Content-Type": JSON, "Authorization": f"Bearer {token}"}


def _is_own(host: str) -> bool:
    """Tell whether a host is this machine, which can be listened on."""
    try:
        with socket.create_server((host, 0), family=socket.AF_INET6 if ":" in host else socket.AF_INET):
            return True
    except OSError:
        return False


def _ask(address: Address, headers: dict[str, str], body: bytes | None) -> dict[str, Any]:
    """Return what stands, after `body` was said, if any."""
    connection = HTTPConnection(ANYWHERE.get(address.host, address.host), address.port, timeout=TIMEOUT_S)
    try:
        connection.request("GET" if body is None else "POST", LABELS, body, headers)
        answer = connection.getresponse()
        status, text = answer.status, answer.read()
    except (OSError, HTTPException, UnicodeError) as error:
        why = getattr(error, "strerror", None) or error
        raise UnavailableError(
            f"{address}: no har-stream answers there ({why}); --http HOST:PORT tells where"
        ) from None
    finally:
        connection.close()
    if status == HTTPStatus.UNAUTHORIZED:
        raise ConfigError(f"{address}: its token is needed: set {HTTP_TOKEN} or http_token_file")
    fields = _fields(text, address, {"labels", "reason"} if status == HTTPStatus.OK else {"error"})
    if status != HTTPStatus.OK:
        raise WRONG.get(status, ConfigError)(str(fields["error"]))
    return fields


def _fields(text: bytes, address: Address, wanted: set[str]) -> dict[str, Any]:
    try:
        fields = json.loads(text)
    except ValueError:
        fields = None
    if not isinstance(fields, dict) or not fields.keys() >= wanted:
        raise UnavailableError(f"{address}: what answers there is no har-stream that takes labels")
    return fields


def _show(told: dict[str, Any], device: str | None) -> None:
    """Print a line for each device, or for the one that is asked for."""
    shown = [one for one in told["labels"] if device in (None, one["device"])]
    lines = [f"{one['device']}: {_line(one)}" for one in shown] or [
        f"{device}: none" if device else "nothing is labelled"
    ]
    if told["reason"]:
        lines.append(told["reason"])
    print("\n".join(lines))  # noqa: T201 - a command prints its answer


def _line(one: dict[str, Any]) -> str:
    gathered = ", ".join(f"{activity} {seconds} s" for activity, seconds in one["seconds"].items())
    return f"{one['activity'] or 'none'}{f' (so far: {gathered})' if gathered else ''}"
