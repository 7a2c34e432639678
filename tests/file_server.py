"""A real HTTP server on loopback that serves one file, well or badly."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar


@dataclass
class Served:
    """What the server has and how it behaves; and the requests that it got, as (path, Range, If-Range)."""

    content: bytes
    etag: str | None = '"first"'
    knows_ranges: bool = True
    is_chunked: bool = False
    cut_after: list[int] = field(default_factory=list)
    """For each of the next answers: the bytes after which the connection breaks."""
    status: int = 200
    redirect: str | None = None
    asked: list[tuple[str, str | None, str | None]] = field(default_factory=list)
    url: str = ""

    @property
    def ranges(self) -> list[str | None]:
        return [one[1] for one in self.asked]


class _Handler(BaseHTTPRequestHandler):
    served: ClassVar[Served]
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        served, wanted, condition = self.served, self.headers["Range"], self.headers["If-Range"]
        served.asked.append((self.path, wanted, condition))
        if served.redirect and self.path == "/file.zip":
            self.send_response(302)
            self.send_header("Location", served.redirect)
            self.send_header("Content-Length", "0")
            self.end_headers()
        elif served.status != 200:
            self.send_error(served.status)
        elif wanted and served.knows_ranges and condition in (None, served.etag):
            self._rest(int(wanted.removeprefix("bytes=").removesuffix("-")))
        else:
            self._body(200, served.content, {})

    def _rest(self, start: int) -> None:
        total = len(self.served.content)
        if start >= total:
            self.send_error(416)
            return
        self._body(206, self.served.content[start:], {"Content-Range": f"bytes {start}-{total - 1}/{total}"})

    def _body(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        served = self.served
        if served.etag:
            headers["ETag"] = served.etag
        headers |= {"Transfer-Encoding": "chunked"} if served.is_chunked else {"Content-Length": str(len(body))}
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Connection", "close")
        self.end_headers()
        sent = body[: served.cut_after.pop(0)] if served.cut_after else body
        if served.is_chunked:
            self.wfile.write(b"%x\r\n%b\r\n" % (len(sent), sent))
            self.wfile.write(b"0\r\n\r\n" if len(sent) == len(body) else b"")
        else:
            self.wfile.write(sent)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class names it so
        """Keep the tests' output clean."""


@contextmanager
def serving(served: Served) -> Iterator[Served]:
    """Serve while the block lasts; `served.url` is the file's address."""
    handler = type("Handler", (_Handler,), {"served": served})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    served.url = f"http://127.0.0.1:{server.server_port}/file.zip"
    try:
        yield served
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
