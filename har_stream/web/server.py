"""A small HTTP server that nobody can hold up: a thread for each of a few connections, and a time for all to be over.

    accept -> a thread: request -> page -> answer, closed        late or in the way of newcomers -> cut

Every connection carries one request. A client that says nothing, dribbles or does not read is cut when its time is
over, and before if it is the oldest when others come; the stream never waits for any.
"""

from __future__ import annotations

import contextlib
import errno
import io
import logging
import math
import os
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from threading import Condition, Event, Thread
from typing import Any, Final

from har_stream import __version__
from har_stream.errors import ConfigError
from har_stream.web.address import OFF, Address
from har_stream.web.host import meant_for_us

MOST_CONNECTIONS: Final = 16
MOST_THREADS: Final = 2 * MOST_CONNECTIONS
"""With those whose connection was cut and that have not noticed."""
LONGEST_HEAD: Final = 8192
"""Bytes of a request: line and headers. No body is read."""
TIME_S: Final = 5.0
"""For a request and its answer."""
POLL_S: Final = 1.0
ROOM_S: Final = 0.5
"""What those that were cut may take to notice, where there is no room for another."""
PAUSE_S: Final = 0.2
"""After the system had no descriptor left for a connection."""
BACKLOG: Final = 128
ENDS: Final = (b"\r\n\r\n", b"\n\n")
"""Of a head."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Page:
    """An answer."""

    status: HTTPStatus
    kind: str
    body: bytes


class HttpServer:
    """Answers GET and HEAD with what `pages` says of a path and query, from a socket that listens at an address."""

    def __init__(self, listener: socket.socket, address: Address, pages: Callable[[str, str], Page]) -> None:
        self._listener, self.address, self.pages = listener, address, pages
        self._begun_s: dict[socket.socket, float] = {}
        self._changing = Condition()
        self._closing = Event()
        self._thread = Thread(target=self._accept, name="http", daemon=True)

    def start(self) -> None:
        """Begin to answer."""
        self._thread.start()

    def close(self) -> None:
        """Take no more connections; returns at once, whoever is still connected."""
        self._closing.set()
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)  # wakes the thread, which closes it

    def _accept(self) -> None:
        self._listener.settimeout(POLL_S)
        with self._listener:
            while not self._closing.is_set():
                try:
                    connection, _ = self._listener.accept()
                except TimeoutError:
                    self._cut_late()
                except OSError:
                    self._cut_late()
                    self._closing.wait(PAUSE_S)
                else:
                    self._take(connection)

    def _take(self, connection: socket.socket) -> None:
        """Give a connection a thread; where there are many the oldest gives way."""
        connection.settimeout(TIME_S)
        self._cut_late()
        with self._changing:
            live = [one for one, begun_s in self._begun_s.items() if begun_s < math.inf]
            if len(live) >= MOST_CONNECTIONS:
                self._cut(live[0])
            if not self._changing.wait_for(lambda: len(self._begun_s) < MOST_THREADS, timeout=ROOM_S):
                connection.close()
                return
            self._begun_s[connection] = time.monotonic()
        try:
            Thread(target=self._answer, args=(connection,), name="http request", daemon=True).start()
        except RuntimeError:  # the system has no thread left
            self._end(connection)

    def _answer(self, connection: socket.socket) -> None:
        with contextlib.suppress(OSError):
            _Handler(connection, ("", 0), self)  # type: ignore[arg-type]  # all it asks of a server are its pages
        self._end(connection)

    def _end(self, connection: socket.socket) -> None:
        with self._changing:
            del self._begun_s[connection]
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_WR)  # what was written goes out before the end
            connection.close()
            self._changing.notify_all()

    def _cut_late(self) -> None:
        with self._changing:
            since_s = time.monotonic() - TIME_S
            for connection in [one for one, begun_s in self._begun_s.items() if begun_s < since_s]:
                self._cut(connection)

    def _cut(self, connection: socket.socket) -> None:
        """Wake a connection's thread from whatever it waits for; it closes it."""
        self._begun_s[connection] = math.inf
        with contextlib.suppress(OSError):
            connection.shutdown(socket.SHUT_RDWR)


class _Handler(BaseHTTPRequestHandler):
    """One request of HTTP/1.0, after which the connection is closed."""

    server: HttpServer  # type: ignore[assignment]  # as above

    def setup(self) -> None:
        """Read the head of the request whole, so that what it may cost is bounded."""
        super().setup()
        head = _head(self.connection)
        self._whole = any(end in head for end in ENDS)
        self.rfile = io.BytesIO(head)

    def do_GET(self) -> None:
        """Answer with the page and its body."""
        page = self._page()
        self.send_response(page.status)
        self.send_header("Content-Type", page.kind)
        self.send_header("Content-Length", str(len(page.body)))
        self.send_header("Cache-Control", "no-store")
        self.send_header("X-Content-Type-Options", "nosniff")
        self.send_header("Connection", "close")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(page.body)

    do_HEAD = do_GET  # noqa: N815 - as above

    def _page(self) -> Page:
        if not self._whole:
            told = f"no request of at most {LONGEST_HEAD} bytes\n".encode()
            return Page(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, "text/plain", told)
        if not meant_for_us(self.headers.get_all("Host", []), self.server.address):
            return Page(HTTPStatus.FORBIDDEN, "text/plain", b"ask for localhost: this address is no other's\n")
        try:
            path, _, query = self.path.partition("?")
            return self.server.pages(path, query)
        except Exception as error:  # noqa: BLE001 - a page's own fault is told, and the stream goes on
            log.error("http: %s: failed: %r", self.path[:80].encode("ascii", "replace").decode(), error)  # noqa: TRY400 - a line
            return Page(HTTPStatus.INTERNAL_SERVER_ERROR, "text/plain", b"failed\n")

    def version_string(self) -> str:
        """Name the server."""
        return f"har-stream/{__version__}"

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the library's name
        """Say nothing: who asks is of no interest."""


def _head(connection: socket.socket) -> bytes:
    """Return the request up to its empty line, the end of the connection or LONGEST_HEAD. Raises OSError."""
    head = b""
    while not any(end in head for end in ENDS) and len(head) < LONGEST_HEAD:
        part = connection.recv(LONGEST_HEAD - len(head))
        if not part:
            break
        head += part
    return head


def open_server(address: Address, pages: Callable[[str, str], Page]) -> HttpServer | None:
    """Listen at an address. Raises ConfigError where it was asked for and cannot be; the default may fail."""
    try:
        family, *_, where = socket.getaddrinfo(address.host, address.port, type=socket.SOCK_STREAM)[0]
        listener = socket.create_server(where[:2], family=family, backlog=BACKLOG)
    except (OSError, UnicodeError) as error:
        why = _why_not(address, error)
        if address.given:
            raise ConfigError(f"http: {why}; give --http another HOST:PORT, or {OFF}") from None
        log.warning("http: %s; the stream goes on without health and metrics (--http HOST:PORT, or %s)", why, OFF)
        return None
    at = Address(address.host, listener.getsockname()[1], given=True)
    log.info("health and metrics: http://%s/metrics", at)
    if not at.loopback:
        log.warning("http: %s: whoever reaches this machine can read it, there is no password", at)
    return HttpServer(listener, at, pages)


def _why_not(address: Address, error: Exception) -> str:
    if isinstance(error, OSError) and error.errno == errno.EADDRINUSE:
        return f"{address} is taken (by another har-stream?)"
    if isinstance(error, OSError) and not isinstance(error, socket.gaierror) and error.errno:
        return f"{address}: {os.strerror(error.errno)}"
    return f"{address}: {getattr(error, 'strerror', None) or error}"
