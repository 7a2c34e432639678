"""/api/labels: who may write, what is answered, and that it is as documented."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from http.client import HTTPConnection
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from har_stream.annotations import NOT_RECORDED, Annotations
from har_stream.web.address import Address
from har_stream.web.api import OPENAPI
from har_stream.web.pages import Pages
from har_stream.web.request import LONGEST_BODY
from har_stream.web.server import HttpServer, open_server
from tests.watched import WELL, Stream

DOCUMENT = json.loads(OPENAPI.read_text("utf-8"))
JSON = {"Content-Type": "application/json"}
WALKING = {"device": "phone", "activity": "walking"}
TOKEN = "a-token-of-some-length"  # noqa: S105 - of this test alone


class Labelled:
    """A server whose stream has the device phone, and may record."""

    def __init__(self, token: str | None = None) -> None:
        self.refusal = ""
        self.annotations = Annotations(limit=4, knows=lambda one: one == "phone", refusal=lambda: self.refusal)
        pages = Pages(Stream(WELL), annotations=self.annotations)
        server = open_server(Address("127.0.0.1", 0, given=True), pages, token, pages.post)
        assert isinstance(server, HttpServer)
        self.server = server
        self.server.start()

    def ask(self, method: str, body: object = None, path: str = "/api/labels", **headers: str) -> tuple[int, Any]:
        """Return status and answer, which has to be as documented."""
        port = self.server.address.port
        connection = HTTPConnection("127.0.0.1", port, timeout=8)
        given = JSON | {name.replace("_", "-"): value for name, value in headers.items()}
        data = body if isinstance(body, bytes) else json.dumps(body).encode() if body is not None else None
        connection.request(method, path, data, given)
        answer = connection.getresponse()
        status, text = answer.status, answer.read().decode()
        connection.close()
        if path == "/api/labels" and status != 401:
            (kind,) = DOCUMENT["paths"][path][method.lower()]["responses"][str(status)]["content"]
            assert answer.headers["Content-Type"] == kind
        if answer.headers["Content-Type"] != "application/json":
            return status, text
        name = "Labels" if status == 200 else "Error"
        schema = {"$ref": f"#/components/schemas/{name}", "components": DOCUMENT["components"]}
        Draft202012Validator(schema).validate(json.loads(text))
        return status, json.loads(text)

    @property
    def activity(self) -> str | None:
        standing = self.annotations.standing()
        return standing["phone"].activity if standing else None


@pytest.fixture
def web() -> Iterator[Labelled]:
    one = Labelled()
    yield one
    one.server.close()


def test_what_is_written_is_what_is_read(web: Labelled) -> None:
    nothing = {"recording": True, "reason": "", "labels": []}
    walking = {"recording": True, "reason": "", "labels": [{"device": "phone", "activity": "walking", "seconds": {}}]}
    assert web.ask("GET") == (200, nothing)
    assert web.ask("POST", WALKING) == (200, walking)
    assert web.ask("GET") == (200, walking)
    status, told = web.ask("POST", {"device": "phone", "activity": None})
    assert (status, told["labels"][0]["activity"]) == (200, None)


def test_where_nothing_is_recorded_that_is_said(web: Labelled) -> None:
    web.refusal = NOT_RECORDED
    assert web.ask("POST", WALKING) == (409, {"error": NOT_RECORDED})
    assert web.ask("GET") == (200, {"recording": False, "reason": NOT_RECORDED, "labels": []})


@pytest.mark.parametrize(
    ("body", "status", "word"),
    [
        ({"device": "fone", "activity": "walking"}, 404, "no device 'fone'"),
        ({"device": "phone", "activity": "wlking"}, 400, "did you mean 'walking'"),
        ({"device": "phone", "activity": "unknown"}, 400, "no activity"),
        ({"device": "phone"}, 400, "activity"),
        ({"device": "phone", "activity": 1}, 400, "activity"),
        ({"device": ["phone"], "activity": None}, 400, "device"),
        ({**WALKING, "more": 1}, 400, "more"),
        ([], 400, "expected"),
        (b"", 400, "expected"),
        (b"{", 400, "expected"),
        (b'{"device": "\xff", "activity": null}', 400, "expected"),
        (b"[" * 1000, 400, "expected"),
        (json.dumps({"device": "x" * 900, "activity": None}).encode(), 404, "no device"),
    ],
)
def test_a_body_that_is_not_as_documented_is_told(web: Labelled, body: object, status: int, word: str) -> None:
    found, told = web.ask("POST", body)
    assert (found, list(told)) == (status, ["error"])
    assert word in told["error"]
    assert web.activity is None


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Content_Type": "text/plain"}, 415),  # what a form or a fetch without a question beforehand can send
        ({"Content_Type": "application/x-www-form-urlencoded"}, 415),
        ({"Content_Type": "multipart/form-data; boundary=x"}, 415),
        ({"Content_Type": ""}, 415),
        ({"Origin": "http://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": "http://127.0.0.1:1"}, 403),
        ({"Origin": "http://[evil"}, 403),
        ({"Sec_Fetch_Site": "cross-site"}, 403),
        ({"Sec_Fetch_Site": "same-site"}, 403),
        ({"Host": "evil.example"}, 403),
    ],
)
def test_a_page_of_a_stranger_cannot_write(web: Labelled, headers: dict[str, str], status: int) -> None:
    assert web.ask("POST", WALKING, **headers)[0] == status
    assert web.activity is None


def test_our_own_page_and_programs_can(web: Labelled) -> None:
    port = web.server.address.port
    assert web.ask("POST", WALKING, Origin=f"http://127.0.0.1:{port}", Sec_Fetch_Site="same-origin")[0] == 200
    assert web.ask("POST", WALKING, Host="LOCALHOST:80", Origin="http://localhost:80")[0] == 200
    assert web.ask("POST", WALKING, Content_Type="application/json; charset=utf-8")[0] == 200
    assert web.activity == "walking"


def test_no_browser_is_allowed_what_it_asks_for_beforehand(web: Labelled) -> None:
    connection = HTTPConnection("127.0.0.1", web.server.address.port, timeout=8)
    connection.request("OPTIONS", "/api/labels", headers={"Access-Control-Request-Method": "POST"})
    answer = connection.getresponse()
    assert answer.status >= 400
    assert not [name for name in answer.headers if name.lower().startswith("access-control")]
    connection.close()


@pytest.mark.parametrize("path", ["/", "/live", "/metrics", "/api/history", "/nothing"])
def test_nothing_else_can_be_written(web: Labelled, path: str) -> None:
    assert web.ask("POST", WALKING, path=path)[0] == 405


def test_a_body_is_bounded(web: Labelled) -> None:
    assert web.ask("POST", b"x" * (LONGEST_BODY + 1))[0] == 413
    assert web.ask("POST", WALKING, Content_Length="9" * 5000)[0] == 413
    assert web.ask("POST", WALKING, Content_Length="-1")[0] == 411
    padded = json.dumps(WALKING).encode().ljust(LONGEST_BODY)
    assert web.ask("POST", padded)[0] == 200


def test_a_body_that_comes_in_pieces_is_taken_and_one_cut_short_is_not(web: Labelled) -> None:
    body = json.dumps(WALKING).encode()
    head = b"POST /api/labels HTTP/1.0\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body)
    for pieces, status in (((head, body[:9], body[9:]), b" 200 "), ((head, body[:9]), b" 400 ")):
        with socket.create_connection(("127.0.0.1", web.server.address.port), timeout=8) as client:
            for piece in pieces:
                client.sendall(piece)
            client.shutdown(socket.SHUT_WR)
            assert status in b"".join(iter(lambda: client.recv(65_536), b""))


def test_who_shows_no_token_can_neither_read_nor_write() -> None:
    web = Labelled(TOKEN)
    try:
        assert web.ask("GET")[0] == 401
        assert web.ask("POST", WALKING)[0] == 401
        assert web.activity is None
        assert web.ask("POST", WALKING, Authorization=f"Bearer {TOKEN}")[0] == 200
    finally:
        web.server.close()
