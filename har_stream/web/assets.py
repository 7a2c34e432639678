"""The files of the live page: package data, read when somebody first asks for one. No name off the wire is a path."""

from __future__ import annotations

from functools import cache
from http import HTTPStatus
from importlib.resources import files
from typing import Final

from har_stream.web.answers import Page

INDEX: Final = "/"
STATIC: Final = "/static/"
KINDS: Final = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
}
INDEX_FILE: Final = "index.html"


def asset(path: str) -> Page | None:
    """Return the page or one of its parts, None where there is none by that name."""
    return _pages().get(path)


@cache
def _pages() -> dict[str, Page]:
    folder = files("har_stream.web") / "static"
    pages = {}
    for file in folder.iterdir():
        kind = KINDS.get(file.name[file.name.rfind(".") :])
        if kind is not None:
            path = INDEX if file.name == INDEX_FILE else STATIC + file.name
            pages[path] = Page(HTTPStatus.OK, kind, file.read_bytes())
    return pages
