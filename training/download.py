"""Download a file over HTTP so that a cut connection costs nothing: what has arrived waits in a .part file.

The next attempt asks for the rest alone, on condition that the file on the server is still the same (RFC 9110, 13.1.5
If-Range and 14.2 Range). Beside the .part file lies what it is a part of. A server that knows no ranges, or has another
file by now, sends the whole again, and the .part file starts over.
"""

from __future__ import annotations

import re
import time
import urllib.request
from collections.abc import Callable
from http import HTTPStatus
from http.client import HTTPException, HTTPResponse
from pathlib import Path
from typing import IO, Any, Final
from urllib.error import HTTPError
from urllib.parse import urlsplit

import msgspec

from har_stream import __version__
from har_stream.errors import ConfigError, UnavailableError

TIMEOUT_S: Final = 30.0
"""For connecting, and for each silence of the server."""
PAUSES_S: Final = (1.0, 4.0, 15.0)
"""Before the attempts that follow a cut; one that brought nothing is the last."""
CHUNK: Final = 2**16
SCHEMES: Final = ("https", "http")
CONTENT_RANGE: Final = re.compile(r"bytes (\d+)-\d+/(\d+|\*)")

Show = Callable[[int], None]
"""Is told how many bytes have arrived so far, from the file's beginning."""


class Origin(msgspec.Struct, frozen=True):
    """What a .part file is a part of: its address, the strong ETag or date of change, and its length in bytes."""

    url: str
    validator: str | None = None
    length: int | None = None


class ConnectionCutError(Exception):
    """The connection ended before the file did."""


class StalePartError(Exception):
    """The .part file does not continue with what the server has now."""


class SafeRedirects(urllib.request.HTTPRedirectHandler):
    """Follows where a server sends us, but never from https to a connection that anyone can read or change."""

    def redirect_request(
        self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: Any, newurl: str
    ) -> urllib.request.Request | None:
        """Return the request to the new address. Raises UnavailableError where that is not safe."""
        if urlsplit(newurl).scheme not in ("https", req.type):
            raise UnavailableError(f"{req.full_url}: redirects to {newurl}, which is not https")
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def download(url: str, part: Path, show: Show, most_bytes: int) -> None:
    """Download `url` into `part`, or the rest of it, and go on after a cut as long as something arrives.

    Stops beyond `most_bytes`: what is longer is not what is wanted. Raises UnavailableError where the server cannot be
    reached, refuses or cuts the connection too often (`part` stays), ConfigError for an address that is not http.
    """
    if urlsplit(url).scheme not in SCHEMES or not urlsplit(url).hostname:
        raise ConfigError(f"--url: {url!r} is not an address such as https://example.org/HAPT.zip")
    pauses_s = iter(PAUSES_S)
    while True:
        before = _size(part)
        try:
            _attempt(url, part, show, most_bytes)
        except ConnectionCutError as cut:
            pause_s = next(pauses_s, None)
            if pause_s is None or _size(part) <= before:
                told = f"{url}: the connection was cut ({cut}) after {_size(part)} bytes"
                raise UnavailableError(f"{told}; run the same command again to go on from there") from None
            time.sleep(pause_s)
        else:
            return


def forget(part: Path) -> None:
    """Remove a .part file and what is known about it."""
    part.unlink(missing_ok=True)
    _origin_path(part).unlink(missing_ok=True)


def _attempt(url: str, part: Path, show: Show, most_bytes: int) -> None:
    origin = _origin(part, url)
    have = _size(part)
    if have and have == origin.length:
        return
    try:
        with _ask(url, have, origin) as response:
            if have and response.status == HTTPStatus.PARTIAL_CONTENT:
                origin = _continued(response, have, origin)
            else:
                forget(part)
                have, origin = 0, _told(response, url)
            _origin_path(part).write_bytes(msgspec.json.encode(origin))
            _receive(response, part, have, origin.length, show, most_bytes)
    except StalePartError:
        forget(part)
        _attempt(url, part, show, most_bytes)


def _ask(url: str, have: int, origin: Origin) -> HTTPResponse:
    headers = {"User-Agent": f"har-stream/{__version__}"}
    if have:
        headers["Range"] = f"bytes={have}-"
        if origin.validator:
            headers["If-Range"] = origin.validator
    request = urllib.request.Request(url, headers=headers)  # noqa: S310 - download() has checked the scheme
    try:
        response: HTTPResponse = urllib.request.build_opener(SafeRedirects).open(request, timeout=TIMEOUT_S)
    except HTTPError as error:
        error.close()
        if have and error.code == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
            raise StalePartError from None
        raise UnavailableError(f"{url}: the server answers {error.code} {error.reason}") from None
    except (OSError, HTTPException) as error:
        raise UnavailableError(f"cannot reach {urlsplit(url).netloc}: {_reason(error)}") from None
    return response


def _continued(response: HTTPResponse, have: int, origin: Origin) -> Origin:
    """Return the origin with all that is known now. Raises StalePartError where the rest is of something else."""
    found = CONTENT_RANGE.fullmatch(response.headers.get("Content-Range", ""))
    if found is None or int(found[1]) != have:
        raise StalePartError
    length = None if found[2] == "*" else int(found[2])
    is_same_length = origin.length in (None, length) or (length is None and origin.validator is not None)
    if not is_same_length or _validator(response) not in (None, origin.validator):
        raise StalePartError
    return Origin(origin.url, origin.validator, length or origin.length)


def _told(response: HTTPResponse, url: str) -> Origin:
    length = response.headers.get("Content-Length", "")
    return Origin(url, _validator(response), int(length) if length.isdecimal() else None)


def _validator(response: HTTPResponse) -> str | None:
    """Return what If-Range may carry: a weak ETag does not promise the same bytes."""
    etag: str = response.headers.get("ETag", "")
    changed: str | None = response.headers.get("Last-Modified")
    return etag if etag.startswith('"') else changed


def _receive(response: HTTPResponse, part: Path, have: int, length: int | None, show: Show, most_bytes: int) -> None:
    try:
        with part.open("ab" if have else "wb") as file:
            while have <= most_bytes and (chunk := _read(response)):
                file.write(chunk)
                have += len(chunk)
                show(have)
    except OSError as error:
        error.filename = str(part)  # a full disk does not tell which file it was
        raise
    if length is not None and have < min(length, most_bytes):
        raise ConnectionCutError("it ended early")


def _read(response: HTTPResponse) -> bytes:
    try:
        return response.read1(CHUNK)
    except (OSError, HTTPException) as error:
        raise ConnectionCutError(_reason(error)) from None


def _reason(error: Exception) -> str:
    reason = getattr(error, "reason", error)
    return str(getattr(reason, "strerror", None) or reason or type(reason).__name__)


def _size(part: Path) -> int:
    return part.stat().st_size if part.is_file() else 0


def _origin_path(part: Path) -> Path:
    return part.with_name(part.name + ".json")


def _origin(part: Path, url: str) -> Origin:
    """Return what the .part file is a part of, after removing one that nothing is known about."""
    try:
        origin = msgspec.json.decode(_origin_path(part).read_bytes(), type=Origin)
    except (OSError, msgspec.DecodeError):
        origin = Origin("")
    if origin.url != url or (origin.validator is None and origin.length is None):
        forget(part)
        return Origin(url)
    return origin
