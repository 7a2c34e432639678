"""The HTTP server against clients that would hold it up."""

from __future__ import annotations

import contextlib
import select
import socket
import threading
import time
from collections.abc import Iterator
from http import HTTPStatus
from threading import Event

import pytest

from har_stream.errors import ConfigError
from har_stream.web import server
from har_stream.web.address import Address
from har_stream.web.answers import Page
from har_stream.web.request import LONGEST_HEAD
from har_stream.web.server import HttpServer, open_server
from tests.broker import free_port, wait_for
from tests.held_up import HeldUp
from tests.http_client import PATIENCE_S, ask

BIG = b"x" * 20_000_000


def page(path: str, query: str = "") -> Page:
    if path == "/fault":
        raise ZeroDivisionError
    return Page(HTTPStatus.OK, "text/plain", BIG if path == "/big" else f"{path}{query}".encode())


@pytest.fixture
def port(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    monkeypatch.setattr(server, "POLL_S", 0.05)
    number = free_port()
    one = open_server(Address("127.0.0.1", number, given=True), page)
    assert one is not None
    one.start()
    yield number
    one.close()


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Soon cuts whoever is late: for tests of that alone, as on a busy machine anybody may be."""
    monkeypatch.setattr(server, "TIME_S", 0.3)


def requests() -> int:
    """Requests that have a thread now."""
    return sum(thread.name == "http request" for thread in threading.enumerate())


def connect(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_S)


def test_a_page_gets_its_query(port: int) -> None:
    assert ask(port, "/page?x=1") == (200, b"/pagex=1")


def test_a_page_that_fails_is_told_and_others_are_served(port: int, caplog: pytest.LogCaptureFixture) -> None:
    assert ask(port, "/fault")[0] == 500
    assert "http: /fault: failed: ZeroDivisionError" in caplog.text
    assert ask(port, "/page")[0] == 200


@pytest.mark.usefixtures("impatient")
def test_who_says_nothing_is_cut(port: int) -> None:
    with connect(port) as silent:
        assert silent.recv(1) == b""


@pytest.mark.usefixtures("impatient")
def test_who_dribbles_is_cut(port: int) -> None:
    with connect(port) as slow:
        held_up, begun_s = HeldUp(), time.monotonic()
        try:
            for byte in b"GET / HTTP/1.1\r\nX: " + b"y" * 1000:
                slow.send(bytes([byte]))
                time.sleep(0.05)
        except OSError:
            pass
        assert time.monotonic() - begun_s - held_up.look() < 3


@pytest.mark.usefixtures("impatient")
def test_who_does_not_read_is_cut(port: int) -> None:
    wait_for(lambda: requests() == 0)
    with connect(port) as deaf:
        deaf.sendall(b"GET /big HTTP/1.0\r\n\r\n")
        assert select.select([deaf], [], [], PATIENCE_S)[0], "the answer has begun"
        wait_for(lambda: requests() == 0)


def test_the_oldest_gives_way_where_there_are_many(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "TIME_S", 60.0)
    silent = [connect(port) for _ in range(server.MOST_CONNECTIONS)]
    assert ask(port, "/page")[0] == 200
    assert silent[0].recv(1) == b""
    silent[-1].settimeout(0.1)
    with pytest.raises(TimeoutError):
        silent[-1].recv(1)
    for one in silent:
        one.close()


def test_pages_that_hang_take_a_bounded_number_of_threads_and_let_it_be_closed() -> None:
    go_on = Event()
    hanging: list[str] = []
    wait_for(lambda: requests() == 0)

    def hangs(path: str, _query: str) -> Page:
        hanging.append(path)
        go_on.wait()
        return page(path)

    number = free_port()
    one = open_server(Address("127.0.0.1", number, given=True), hangs)
    assert one is not None
    one.start()
    waiting = []
    for count in range(server.MOST_THREADS):
        waiting.append(connect(number))
        waiting[-1].sendall(b"GET / HTTP/1.0\r\n\r\n")
        wait_for(lambda: len(hanging) == count + 1)  # noqa: B023 - it is waited for here
    waiting.append(connect(number))
    assert waiting[-1].recv(1) == b""
    assert requests() == server.MOST_THREADS
    held_up, begun_s = HeldUp(), time.monotonic()
    one.close()
    assert time.monotonic() - begun_s - held_up.look() < 0.1
    go_on.set()
    wait_for(lambda: requests() == 0)
    for client in waiting:
        client.close()


@pytest.mark.parametrize(
    "junk", [b"\r\n\r\n", b"\x00\xff\xfe\r\n\r\n", b"GET " + b"/" * 70_000, b"\x16\x03\x01\x02\x00"]
)
def test_junk_is_answered_or_cut_and_others_are_served(port: int, junk: bytes) -> None:
    with connect(port) as client:
        client.sendall(junk)
        assert ask(port, "/page")[0] == 200


def answer(port: int, request: bytes) -> bytes:
    """Return all that comes back."""
    with connect(port) as client:
        client.sendall(request)
        return b"".join(iter(lambda: client.recv(65_536), b""))


def test_a_page_of_a_stranger_may_not_read_what_listens_on_loopback(port: int) -> None:
    refused = answer(port, b"GET /page HTTP/1.1\r\nHost: evil.example:9478\r\n\r\n")
    assert refused.startswith(b"HTTP/1.0 403 ")
    assert b"/page" not in refused
    both = b"GET /page HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\n\r\n"
    assert answer(port, both).startswith(b"HTTP/1.0 403 ")
    assert answer(port, b"GET /page HTTP/1.1\r\nHost: localhost:1\r\n\r\n").endswith(b"/page")
    assert answer(port, b"GET /page HTTP/1.0\r\n\r\n").endswith(b"/page")


def test_a_request_that_is_too_long_is_refused_before_it_costs_much(port: int) -> None:
    line = b"GET /page HTTP/1.1\r\n"
    most = line + b"X: " + b"y" * (LONGEST_HEAD - len(line) - len(b"X: \r\n\r\n")) + b"\r\n\r\n"
    assert answer(port, most).endswith(b"/page")
    # The Host header that would refuse it stands behind what is read.
    assert b" 431 " in answer(port, line + b"X: " + b"y" * (LONGEST_HEAD - len(line) - len(b"X: ")))
    assert b" 431 " in answer(port, line + b"X: y\r\n" * (LONGEST_HEAD // 6))


def test_hundreds_that_idle_dribble_or_do_not_read_leave_room_for_one_that_asks(
    port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "ROOM_S", PATIENCE_S)  # on a busy machine those that are cut notice it late
    with contextlib.ExitStack() as held:
        for number in range(300):
            client = held.enter_context(connect(port))
            if number % 3 == 1:
                client.sendall(b"G")
            elif number % 3 == 2:
                client.sendall(b"GET /big HTTP/1.0\r\n\r\n")
            if number % 50 == 0:
                assert ask(port, "/page")[0] == 200
        for _ in range(10):
            assert ask(port, "/page") == (200, b"/page")
    assert requests() <= server.MOST_THREADS


def test_a_host_that_is_not_ours_is_named() -> None:
    with pytest.raises(ConfigError, match=r"^http: 192\.0\.2\.1:80: Cannot assign requested address; give --http"):
        open_server(Address("192.0.2.1", 80, given=True), page)


def test_an_address_that_others_can_reach_is_warned_of(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    one = open_server(Address("0.0.0.0", 0, given=True), page)  # noqa: S104 - that is what is tested
    assert isinstance(one, HttpServer)
    one.start()
    one.close()
    assert "there is no token" in caplog.text
