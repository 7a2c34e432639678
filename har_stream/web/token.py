"""Who may read: whoever has the token, where one is set. Without one nothing but loopback is listened on.

It comes from HAR_STREAM_HTTP_TOKEN, else from the file http_token_file. Programs send it with each request
(Authorization: Bearer TOKEN); a browser opens /?token=TOKEN once and is given a cookie, in which the token is not.
"""

from __future__ import annotations

import hashlib
import hmac
import os
from collections.abc import Mapping
from http.cookies import CookieError, SimpleCookie
from pathlib import Path
from typing import Final
from urllib.parse import parse_qs

from har_stream.errors import ConfigError
from har_stream.settings import HTTP_TOKEN, Settings
from har_stream.web.address import parse_address

PARAMETER: Final = "token"
BEARER: Final = "bearer"
SHORTEST: Final = 16
"""Characters: fewer could be tried out."""
LONGEST: Final = 1024
KEPT_S: Final = 30 * 24 * 3600
"""How long a browser keeps the cookie."""


class Token:
    """A token, and the cookie that stands for it at a port: browsers do not tell ports apart."""

    def __init__(self, text: str, port: int) -> None:
        self._text = text.encode()
        self._name = f"har_stream_{port}"
        self._stamp = hmac.new(self._text, b"har-stream cookie", hashlib.sha256).hexdigest()

    def admits(self, authorization: str, cookies: str) -> bool:
        """Tell whether the headers of a request hold the token, or its cookie."""
        kind, _, given = authorization.partition(" ")
        if kind.lower() == BEARER and self._is(given.strip()):
            return True
        try:
            morsel = SimpleCookie(cookies).get(self._name)
        except CookieError:
            return False
        return morsel is not None and hmac.compare_digest(morsel.value.encode(), self._stamp.encode())

    def is_given(self, query: str) -> bool:
        """Tell whether a query holds the token."""
        return any(self._is(given) for given in parse_qs(query).get(PARAMETER, []))

    @property
    def cookie(self) -> str:
        """What a browser is to keep."""
        return f"{self._name}={self._stamp}; Path=/; Max-Age={KEPT_S}; HttpOnly; SameSite=Strict"

    def _is(self, given: str) -> bool:
        return hmac.compare_digest(given.encode(errors="replace"), self._text)


def token_of(settings: Settings, environment: Mapping[str, str] = os.environ) -> str | None:
    """Return the token, None where none is set. Raises ConfigError, without the token."""
    if environment.get(HTTP_TOKEN):
        return _checked(environment[HTTP_TOKEN], HTTP_TOKEN)
    if not settings.http_token_file:
        return None
    where = f"http_token_file: {settings.http_token_file}"
    try:
        with Path(settings.http_token_file).open("rb") as file:
            text = file.read(LONGEST + 2).decode(errors="replace")
    except (OSError, ValueError) as error:
        raise ConfigError(f"{where}: {getattr(error, 'strerror', None) or error}") from None
    return _checked(text.strip(), where)


def check_http(settings: Settings, environment: Mapping[str, str] = os.environ) -> str | None:
    """Return the token. Raises ConfigError where the address is none, or lets in whoever reaches this machine."""
    address = parse_address(settings.http)
    token = token_of(settings, environment)
    if address is not None and not address.loopback and token is None and not settings.http_insecure:
        raise ConfigError(
            f"http: {address} lets in whoever reaches this machine: set {HTTP_TOKEN} or http_token_file, "
            "or http_insecure = true"
        )
    return token


def _checked(text: str, where: str) -> str:
    if not SHORTEST <= len(text) <= LONGEST or not (text.isascii() and text.isprintable()) or " " in text:
        raise ConfigError(f"{where}: a token is {SHORTEST} to {LONGEST} printable ASCII characters without blanks")
    return text
