"""A small HTTP server that nobody can hold up: a thread for each of a few connections, and a time for all to be over.

    accept -> a thread: request -> page -> answer, closed        late or in the way of newcomers -> cut
                                -> events, until nobody reads    does not take one in time -> cut

Every connection carries one request. A client that says nothing, dribbles or does not read is cut when its time is
over, and before if it is the oldest when others come; the stream never waits for any. Streams of events are counted
apart: they may stay, and one too many is refused.
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
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from threading import Condition, Event, Thread
from typing import Any, Final, TypeVar

from har_stream import __version__
from har_stream.errors import ConfigError
from har_stream.web.address import OFF, Address
from har_stream.web.answers import EVENTS, HEADERS, TEXT, EventStream, Page
from har_stream.web.host import meant_for_us
from har_stream.web.request import ENDS, LONGEST_HEAD, read_body, read_head, stranger
from har_stream.web.token import Token

MOST_CONNECTIONS: Final = 16
MOST_THREADS: Final = 2 * MOST_CONNECTIONS
"""With those whose connection was cut and that have not noticed."""
MOST_STREAMS: Final = 12
"""Of events; each is a page that somebody has open."""
STREAM_BUFFER: Final = 131_072
"""Bytes that the system may hold for a reader of events before it counts as one that does not read."""
OPEN: Final = frozenset({"/healthz", "/readyz"})
"""What needs no token: orchestrators have none."""
TIME_S: Final = 5.0
"""For a request and its answer."""
POLL_S: Final = 1.0
ROOM_S: Final = 0.5
"""What those that were cut may take to notice, where there is no room for another."""
PAUSE_S: Final = 0.2
"""After the system had no descriptor left for a connection."""
BACKLOG: Final = 128

Answer = TypeVar("Answer", Page, "Page | EventStream")
Answering = Callable[[str, str], "Page | EventStream"]
"""What is answered to a path and its query."""
Posting = Callable[[str, bytes], Page]
"""What is answered to what is posted to a path."""

log = logging.getLogger(__name__)


class HttpServer:
    """Answers GET and HEAD with what `pages` says of a path and query, from a socket that listens at an address.

    What is posted goes to `posts`, unless a page of a stranger may have sent it. Where there is a token, whoever does
    not show it gets nothing but what is OPEN.
    """

    def __init__(
        self,
        listener: socket.socket,
        address: Address,
        pages: Answering,
        token: str | None = None,
        posts: Posting | None = None,
    ) -> None:
        self._listener, self.address, self.pages, self.posts = listener, address, pages, posts
        self.token = Token(token, address.port) if token is not None else None
        self._begun_s: dict[socket.socket, float] = {}
        self._streams: set[socket.socket] = set()
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
        with self._changing:
            for connection in self._streams:
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)

    def keep(self, connection: socket.socket) -> bool:
        """Let a connection stay, as one that reads events; tells whether there was room."""
        with self._changing:
            if len(self._streams) >= MOST_STREAMS or self._begun_s.get(connection, math.inf) == math.inf:
                return False
            del self._begun_s[connection]
            self._streams.add(connection)
            self._changing.notify_all()
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, STREAM_BUFFER)
        return True

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
            self._begun_s.pop(connection, None)
            self._streams.discard(connection)
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
        head = read_head(self.connection)
        self._whole = any(end in head for end in ENDS)
        self.rfile = io.BytesIO(head)

    def do_GET(self) -> None:
        """Answer with the page and its body, or with events."""
        answer = self._answer(self.server.pages)
        if isinstance(answer, EventStream):
            if self.command == "HEAD" or self.server.keep(self.connection):
                self._head_of(HTTPStatus.OK, EVENTS)
                with contextlib.closing(answer.events) as events:
                    while self.command != "HEAD":
                        self.wfile.write(next(events))
                return
            answer = Page(HTTPStatus.SERVICE_UNAVAILABLE, TEXT, b"too many pages are open\n")
        self._send(answer)

    do_HEAD = do_GET  # noqa: N815 - as above

    def do_POST(self) -> None:
        """Hand on what is posted, and answer."""
        body = read_body(self.headers, self.rfile, self.connection) if self._whole else b""
        self._send(body if isinstance(body, Page) else self._answer(lambda path, _: self._posted(path, body)))

    def _posted(self, path: str, body: bytes) -> Page:
        if self.server.posts is None:
            return Page(HTTPStatus.NOT_FOUND, TEXT, b"nothing can be written here\n")
        return stranger(self.headers) or self.server.posts(path, body)

    def _send(self, page: Page) -> None:
        self._head_of(page.status, page.kind, ("Content-Length", str(len(page.body))), *page.headers)
        if self.command != "HEAD":
            self.wfile.write(page.body)

    def _head_of(self, status: HTTPStatus, kind: str, *headers: tuple[str, str]) -> None:
        self.send_response(status)
        for name, value in (("Content-Type", kind), *headers, *HEADERS, ("Connection", "close")):
            self.send_header(name, value)
        self.end_headers()

    def _answer(self, of: Callable[[str, str], Answer]) -> Answer | Page:
        """Return what is answered to path and query, unless who asks may not."""
        if not self._whole:
            told = f"no request of at most {LONGEST_HEAD} bytes\n".encode()
            return Page(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, TEXT, told)
        if not meant_for_us(self.headers.get_all("Host", []), self.server.address):
            return Page(HTTPStatus.FORBIDDEN, TEXT, b"ask for localhost: this address is no other's\n")
        path, _, query = self.path.partition("?")
        refusal = self._refusal(path, query)
        if refusal is not None:
            return refusal
        try:
            return of(path, query)
        except Exception as error:  # noqa: BLE001 - a page's own fault is told, and the stream goes on
            log.error("http: %s: failed: %r", path[:80].encode("ascii", "replace").decode(), error)  # noqa: TRY400 - a line
            return Page(HTTPStatus.INTERNAL_SERVER_ERROR, TEXT, b"failed\n")

    def _refusal(self, path: str, query: str) -> Page | None:
        """Return what is said to who shows no token, or shows it in the address, where it should not stay."""
        token = self.server.token
        if token is None or path in OPEN:
            return None
        if token.is_given(query):
            headers = (("Location", "/"), ("Set-Cookie", token.cookie))
            return Page(HTTPStatus.SEE_OTHER, TEXT, b"", headers)
        if token.admits(self.headers.get("Authorization", ""), self.headers.get("Cookie", "")):
            return None
        told = b"a token is needed: open /?token=TOKEN once, or send Authorization: Bearer TOKEN\n"
        return Page(HTTPStatus.UNAUTHORIZED, TEXT, told, (("WWW-Authenticate", "Bearer"),))

    def version_string(self) -> str:
        """Name the server."""
        return f"har-stream/{__version__}"

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the library's name
        """Say nothing: who asks is of no interest."""


def open_server(
    address: Address, pages: Answering, token: str | None = None, posts: Posting | None = None
) -> HttpServer | None:
    """Listen at an address. Raises ConfigError where it was asked for and cannot be; the default may fail."""
    try:
        family, *_, where = socket.getaddrinfo(address.host, address.port, type=socket.SOCK_STREAM)[0]
        listener = socket.create_server(where[:2], family=family, backlog=BACKLOG)
    except (OSError, UnicodeError) as error:
        why = _why_not(address, error)
        if address.given:
            raise ConfigError(f"http: {why}; give --http another HOST:PORT, or {OFF}") from None
        log.warning("http: %s; the stream goes on without page, health and metrics (--http HOST:PORT, or %s)", why, OFF)
        return None
    at = Address(address.host, listener.getsockname()[1], given=True)
    log.info("live page: http://%s/%s", at, "?token=..." if token is not None else "")
    if not at.loopback and token is None:
        log.warning("http: %s: whoever reaches this machine can read it, there is no token", at)
    return HttpServer(listener, at, pages, token, posts)


def _why_not(address: Address, error: Exception) -> str:
    if isinstance(error, OSError) and error.errno == errno.EADDRINUSE:
        return f"{address} is taken (by another har-stream?)"
    if isinstance(error, OSError) and not isinstance(error, socket.gaierror) and error.errno:
        return f"{address}: {os.strerror(error.errno)}"
    return f"{address}: {getattr(error, 'strerror', None) or error}"
