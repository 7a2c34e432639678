"""A request as it comes off a connection, so that what it may cost is bounded; and whether a page of ours made it.

Whoever may read may also write, but a page of a stranger must not write through a browser that may: it can send any
form or text to any address, and has to ask first before it sends JSON, which is answered with no. So JSON it must be,
and where a browser tells from which page it comes, that has to be ours.
"""

from __future__ import annotations

import socket
from email.message import Message
from http import HTTPStatus
from io import BufferedIOBase
from typing import Final
from urllib.parse import urlsplit

from har_stream.web.answers import JSON, TEXT, Page

LONGEST_HEAD: Final = 8192
"""Bytes of a request's line and headers."""
LONGEST_BODY: Final = 1024
ENDS: Final = (b"\r\n\r\n", b"\n\n")
"""Of a head."""
OWN: Final = frozenset({"same-origin", "none"})
"""What browsers call a request by our own page, or by the person at the keyboard."""


def read_head(connection: socket.socket) -> bytes:
    """Return the request up to its empty line, the end of the connection or LONGEST_HEAD, with what came with it.

    Raises OSError.
    """
    head = b""
    while not any(end in head for end in ENDS) and len(head) < LONGEST_HEAD:
        part = connection.recv(LONGEST_HEAD - len(head))
        if not part:
            break
        head += part
    return head


def read_body(headers: Message, begun: BufferedIOBase, connection: socket.socket) -> bytes | Page:
    """Return the body of a request, of which `begun` came with its head, or what is said of one that is none.

    Raises OSError.
    """
    text = headers.get("Content-Length", "")
    if not (text.isascii() and text.isdecimal()):
        return _refusal(HTTPStatus.LENGTH_REQUIRED, "a body needs its Content-Length")
    if len(text) > len(str(LONGEST_BODY)) or int(text) > LONGEST_BODY:
        return _refusal(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"a body of at most {LONGEST_BODY} bytes")
    body = begun.read(int(text))
    while len(body) < int(text):
        part = connection.recv(int(text) - len(body))
        if not part:
            return _refusal(HTTPStatus.BAD_REQUEST, "the body is shorter than its Content-Length")
        body += part
    return body


def stranger(headers: Message) -> Page | None:
    """Return what is said to a request that a page of a stranger may have made; None where it cannot be one."""
    if headers.get_content_type() != JSON or "Content-Type" not in headers:
        return _refusal(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, f"expected Content-Type: {JSON}")
    origins, sites = headers.get_all("Origin", []), headers.get_all("Sec-Fetch-Site", [])
    hosts = {host.strip().lower() for host in headers.get_all("Host", [])}
    own = all(_host_of(origin) in hosts for origin in origins) and all(site.strip() in OWN for site in sites)
    return None if own else _refusal(HTTPStatus.FORBIDDEN, "another page may not write here")


def _host_of(origin: str) -> str:
    """Return host and port of an origin, "" where it is none (as of a sandboxed page: null)."""
    try:
        return urlsplit(origin.strip()).netloc.lower()
    except ValueError:
        return ""


def _refusal(status: HTTPStatus, why: str) -> Page:
    return Page(status, TEXT, f"{why}\n".encode())
