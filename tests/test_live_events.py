"""Events for pages, and pages that hold them up."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from har_stream.plausibility import Suspicion
from har_stream.web import live_events, server
from har_stream.web.address import Address
from har_stream.web.live_events import LiveEvents
from har_stream.web.pages import Pages
from har_stream.web.server import HttpServer, open_server
from tests.broker import wait_for
from tests.http_client import PATIENCE_S
from tests.test_live import Engine, prediction
from tests.watched import READING, WELL, Stream

SUSPECTED = replace(WELL, stream=replace(READING, suspicions={"a": Suspicion.ACC_MS2}))


@pytest.fixture
def engine() -> Engine:
    return Engine(limit=2000)


@pytest.fixture
def web(engine: Engine) -> Iterator[HttpServer]:
    stream = Stream(SUSPECTED)
    events = LiveEvents(engine.live, stream, stale_after_s=5.0)
    one = open_server(Address("127.0.0.1", 0, given=True), Pages(stream, events))
    assert one is not None
    one.start()
    yield one
    one.close()


def opened(web: HttpServer, device: str = "") -> socket.socket:
    client = socket.create_connection(("127.0.0.1", web.address.port), timeout=PATIENCE_S)
    client.sendall(f"GET /live?device={device} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
    return client


def events(client: socket.socket) -> Iterator[dict[str, Any]]:
    for line in client.makefile("rb"):
        if line.startswith(b"data: "):
            yield json.loads(line[6:])


def streams() -> int:
    return sum(thread.name == "http request" for thread in threading.enumerate())


def test_the_first_event_is_all_that_stands_and_then_comes_what_has_changed(engine: Engine, web: HttpServer) -> None:
    engine.tick(prediction("a", 0), prediction("b", 0))
    with opened(web, "a") as client:
        told = events(client)
        first = next(told)
        assert first["hello"]["device"] == "a"
        assert [row[0] for row in first["all"]] == ["a", "b"]
        assert first["one"]["gaps"] == 0
        assert first["stream"]["samples_in"] == 100
        assert "m/s2" in first["suspected"]["a"]
        engine.tick(prediction("b", 1, "sitting"))
        changed = next(event for event in told if "some" in event)
        assert [row[:2] for row in changed["some"]] == [["b", "sitting"]]
        assert not changed.keys() & {"hello", "all", "stream", "suspected"}


def test_a_page_gets_five_events_a_second_at_most_whatever_comes(engine: Engine, web: HttpServer) -> None:
    with opened(web) as client:
        told = events(client)
        next(told)
        begun_s, count = time.monotonic(), 0
        for number in range(10_000):
            engine.tick(prediction("a", number))
            if time.monotonic() - begun_s > 1.2:
                break
        client.settimeout(0.05)
        try:
            for _ in told:
                count += 1
        except OSError:
            pass
        assert count <= (time.monotonic() - begun_s) / live_events.PERIOD_S + 1


def test_a_quiet_stream_still_says_that_it_is_there(web: HttpServer) -> None:
    with opened(web) as client:
        told = events(client)
        next(told)
        assert next(told) == {}


def test_who_was_forgotten_leaves_the_list() -> None:
    small = Engine(limit=1)
    one = LiveEvents(small.live, Stream(WELL), stale_after_s=5.0).events("")
    small.tick(prediction("a", 0))
    next(one)
    assert [row[0] for row in json.loads(next(one)[6:])["all"]] == ["a"]
    small.tick(prediction("b", 0))
    assert [row[0] for row in json.loads(next(one)[6:])["all"]] == ["b"]
    one.close()


def test_a_page_that_does_not_read_is_dropped_and_the_engine_never_waits(
    engine: Engine, web: HttpServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "TIME_S", 0.3)
    monkeypatch.setattr(live_events, "PERIOD_S", 0.001)
    wait_for(lambda: streams() == 0)
    with socket.socket() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.connect(("127.0.0.1", web.address.port))
        client.sendall(b"GET /live HTTP/1.0\r\n\r\n")
        wait_for(lambda: streams() == 1)
        number, until_s = 0, time.monotonic() + 60
        while streams() and time.monotonic() < until_s:
            number += 1
            engine.tick(*(prediction(f"d{device}", number) for device in range(300)))
        assert streams() == 0
        assert number > 10, "the engine goes on while the page's buffers are full"
    assert engine.live._pages == 0  # noqa: SLF001 - nobody else tells


def test_pages_may_stay_open_beside_requests_and_one_too_many_is_refused(
    web: HttpServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = [opened(web) for _ in range(server.MOST_STREAMS)]
    for client in held:
        assert next(events(client))["hello"]
    with opened(web) as refused:
        assert refused.recv(100).startswith(b"HTTP/1.0 503 ")
    monkeypatch.setattr(server, "TIME_S", 0.3)
    time.sleep(0.6)
    opened(web).close()  # with each that comes it is seen who is late
    assert next(events(held[0])) is not None, "it is not cut for its age"
    web.close()
    for client in held:
        while client.recv(65_536):
            pass
        client.close()


def test_every_answer_forbids_what_could_run_in_it(web: HttpServer) -> None:
    for path in ("/", "/live", "/static/page.js", "/healthz", "/nothing"):
        with socket.create_connection(("127.0.0.1", web.address.port), timeout=PATIENCE_S) as client:
            client.sendall(f"HEAD {path} HTTP/1.0\r\n\r\n".encode())
            head = b"".join(iter(lambda: client.recv(65_536), b"")).decode()
        assert "Content-Security-Policy: default-src 'none'; script-src 'self'; style-src 'self'" in head
        assert "unsafe" not in head
        assert "X-Content-Type-Options: nosniff" in head
        assert "Referrer-Policy: no-referrer" in head
