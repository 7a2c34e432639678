"""har-stream label: what it says, shows and how it ends, before a server that takes labels."""

from __future__ import annotations

import argparse
import os
import socket
from collections.abc import Iterator
from http import HTTPStatus

import pytest

from har_stream import label_command
from har_stream.annotations import NOT_RECORDED
from har_stream.errors import ConfigError, HarStreamError, InputError, UnavailableError
from har_stream.label_command import label
from har_stream.parts import open_workers_http
from har_stream.settings import HTTP_TOKEN, Settings
from har_stream.web.address import Address
from har_stream.web.answers import Page
from har_stream.web.pages import NO_LABELS
from har_stream.web.server import open_server
from tests.broker import free_port
from tests.test_labels_api import TOKEN, Labelled
from tests.watched import WELL, Stream


@pytest.fixture
def web() -> Iterator[Labelled]:
    one = Labelled(TOKEN)
    yield one
    one.server.close()


def say(web: Labelled, *words: str, token: str = TOKEN, host: str = "127.0.0.1") -> int:
    device, activity = (*words, None, None)[:2]
    arguments = argparse.Namespace(device=device, activity=activity)
    environment = {HTTP_TOKEN: token} if token else {}
    return label(arguments, Settings(http=f"{host}:{web.server.address.port}"), environment)


def fault(web: Labelled, *words: str, token: str = TOKEN, host: str = "127.0.0.1") -> HarStreamError:
    with pytest.raises(HarStreamError) as caught:
        say(web, *words, token=token, host=host)
    assert "\n" not in str(caught.value)
    return caught.value


def test_it_says_and_shows(web: Labelled, capsys: pytest.CaptureFixture[str]) -> None:
    assert say(web) == os.EX_OK
    assert capsys.readouterr().out == "nothing is labelled\n"
    assert say(web, "phone", "walking") == os.EX_OK
    assert web.activity == "walking"
    assert capsys.readouterr().out == "phone: walking\n"
    web.annotations._devices["phone"].seconds = {"walking": 61.2, "sitting": 5.0}  # noqa: SLF001 - what samples would do
    say(web, "phone")
    assert capsys.readouterr().out == "phone: walking (so far: walking 61 s, sitting 5 s)\n"
    for word in ("none", "stop"):
        say(web, "phone", "walking")
        say(web, "phone", word)
        assert web.activity is None
    say(web, "watch")
    assert capsys.readouterr().out.endswith("watch: none\n")


def test_where_nothing_is_recorded_it_shows_that_and_takes_nothing(
    web: Labelled, capsys: pytest.CaptureFixture[str]
) -> None:
    web.refusal = NOT_RECORDED
    say(web)
    assert NOT_RECORDED in capsys.readouterr().out
    error = fault(web, "phone", "walking")
    assert (type(error), str(error)) == (ConfigError, NOT_RECORDED)


def test_several_workers_take_none_and_say_why(capsys: pytest.CaptureFixture[str]) -> None:
    settings = Settings(workers=2, http=f"127.0.0.1:{free_port()}")
    server = open_workers_http(Stream(WELL), settings, lambda: None)
    assert server is not None
    server.start()
    try:
        with pytest.raises(ConfigError, match=f"^{NO_LABELS}$"):
            label(argparse.Namespace(device="phone", activity="walking"), settings, {})
        assert label(argparse.Namespace(device=None, activity=None), settings, {}) == os.EX_OK
    finally:
        server.close()
    assert capsys.readouterr().out == f"nothing is labelled\n{NO_LABELS}\n"


def test_each_fault_is_a_line_with_the_code_of_its_kind(web: Labelled) -> None:
    error = fault(web, "fone", "walking")
    assert (type(error), str(error)) == (InputError, "no device 'fone' in the stream now")
    error = fault(web, "phone", "wlking")
    assert (type(error), str(error)) == (ConfigError, "no activity 'wlking' (did you mean 'walking'?)")
    assert HTTP_TOKEN in str(fault(web, "phone", "walking", token=""))
    assert isinstance(fault(web, token=TOKEN[::-1]), ConfigError)
    assert web.activity is None


def test_a_token_is_not_sent_to_another_machine(web: Labelled) -> None:
    error = fault(web, host="192.0.2.1")
    assert isinstance(error, ConfigError)
    assert "unencrypted" in str(error)


def test_who_listens_anywhere_is_asked_on_this_machine(web: Labelled, capsys: pytest.CaptureFixture[str]) -> None:
    assert say(web, host="0.0.0.0") == os.EX_OK  # noqa: S104 - that is what is tested
    assert capsys.readouterr().out


def unavailable(port: int) -> str:
    arguments = argparse.Namespace(device=None, activity=None)
    with pytest.raises(UnavailableError) as caught:
        label(arguments, Settings(http=f"127.0.0.1:{port}"), {})
    return str(caught.value)


def test_where_nobody_answers_that_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "Connection refused" in unavailable(free_port())
    monkeypatch.setattr(label_command, "TIMEOUT_S", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        assert "timed out" in unavailable(silent.getsockname()[1])


@pytest.mark.parametrize("body", [b"hello", b"[]", b"{}", b'{"labels": []}', b'{"error": "?"}', b"\xff"])
def test_another_server_is_no_har_stream(body: bytes) -> None:
    server = open_server(Address("127.0.0.1", 0, given=True), lambda *_: Page(HTTPStatus.OK, "text/plain", body))
    assert server is not None
    server.start()
    try:
        assert "no har-stream that takes labels" in unavailable(server.address.port)
    finally:
        server.close()


def test_without_http_there_is_nobody_to_ask() -> None:
    with pytest.raises(ConfigError, match=r"^http: off: "):
        label(argparse.Namespace(device=None, activity=None), Settings(http="off"), {})
