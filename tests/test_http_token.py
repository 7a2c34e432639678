"""Who may read over HTTP."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from http import HTTPStatus
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path

import pytest

from har_stream.cli import main
from har_stream.errors import ConfigError
from har_stream.settings import HTTP_TOKEN, Settings
from har_stream.web.address import Address
from har_stream.web.answers import Page
from har_stream.web.server import open_server
from har_stream.web.token import Token, check_http, token_of

TOKEN = "correct-horse-battery"  # noqa: S105 - of this test alone


@pytest.fixture
def port() -> Iterator[int]:
    one = open_server(
        Address("127.0.0.1", 0, given=True), lambda path, _: Page(HTTPStatus.OK, "text/plain", path.encode()), TOKEN
    )
    assert one is not None
    one.start()
    yield one.address.port
    one.close()


def asked(port: int, path: str, **headers: str) -> HTTPResponse:
    with contextlib.closing(HTTPConnection("127.0.0.1", port, timeout=8)) as connection:
        connection.request("GET", path, headers=headers)
        answer = connection.getresponse()
        answer.read()
        return answer


@pytest.mark.parametrize("path", ["/", "/metrics", "/live", "/static/page.js", "/healthz/../"])
def test_nothing_but_health_is_told_without_the_token(port: int, path: str) -> None:
    for headers in (
        {},
        {"Authorization": f"Bearer {TOKEN}x"},
        {"Authorization": f"Bearer {TOKEN[:-1]}"},
        {"Authorization": f"Bearer {TOKEN.upper()}"},
        {"Authorization": f"Basic {TOKEN}"},
        {"Authorization": "Bearer "},
        {"Authorization": TOKEN},
        {"Cookie": f"har_stream_{port}=1"},
    ):
        refused = asked(port, path, **headers)
        assert (refused.status, refused.headers["WWW-Authenticate"]) == (HTTPStatus.UNAUTHORIZED, "Bearer")
    for wrong in ("wrong", "", TOKEN[:-1]):
        assert asked(port, f"{path}?token={wrong}").status == HTTPStatus.UNAUTHORIZED
    assert asked(port, "/healthz").status == asked(port, "/readyz").status == HTTPStatus.OK


def test_a_program_shows_it_with_each_request(port: int) -> None:
    assert asked(port, "/metrics", Authorization=f"Bearer {TOKEN}").status == HTTPStatus.OK
    assert asked(port, "/metrics", Authorization=f"bearer  {TOKEN}").status == HTTPStatus.OK


def test_a_page_of_a_stranger_is_refused_though_it_knows_the_token(port: int) -> None:
    for path in ("/metrics", "/healthz", f"/?token={TOKEN}"):
        assert asked(port, path, Host="evil.example", Authorization=f"Bearer {TOKEN}").status == HTTPStatus.FORBIDDEN


def test_a_browser_gives_it_once_and_keeps_a_cookie_that_is_not_the_token(port: int) -> None:
    given = asked(port, f"/?token={TOKEN}")
    cookie = given.headers["Set-Cookie"]
    assert (given.status, given.headers["Location"]) == (HTTPStatus.SEE_OTHER, "/")
    assert cookie.startswith(f"har_stream_{port}=")  # browsers do not tell ports apart
    assert "Path=/; Max-Age=2592000; HttpOnly; SameSite=Strict" in cookie
    assert TOKEN not in cookie
    assert asked(port, "/", Cookie=cookie.partition(";")[0]).status == HTTPStatus.OK
    assert asked(port, "/", Cookie=cookie.partition(";")[0] + "0").status == HTTPStatus.UNAUTHORIZED


def test_a_cookie_is_worth_nothing_once_the_token_is_another() -> None:
    old, new = Token(TOKEN, 80), Token(TOKEN[::-1], 80)
    assert old.admits("", old.cookie.partition(";")[0])
    assert not new.admits("", old.cookie.partition(";")[0])


@pytest.mark.parametrize("cookie", ["", "=;;=", '"\x80', "a" * 5000])
def test_junk_for_a_cookie_is_no_cookie(port: int, cookie: str) -> None:
    assert asked(port, "/", Cookie=cookie).status == HTTPStatus.UNAUTHORIZED


def test_it_comes_from_the_environment_or_else_a_file(tmp_path: Path) -> None:
    path = tmp_path / "token"
    path.write_text(f"{TOKEN}\n")
    settings = Settings(http_token_file=str(path))
    assert token_of(settings, {}) == TOKEN
    assert token_of(settings, {HTTP_TOKEN: "x" * 16}) == "x" * 16
    assert token_of(settings, {HTTP_TOKEN: ""}) == TOKEN
    assert token_of(Settings(), {}) is None


@pytest.mark.parametrize("text", ["short", "with blanks in the token", "ümlaut-ümlaut-ümlaut", "x" * 2000, ""])
def test_a_token_that_is_none_is_named_without_it(tmp_path: Path, text: str) -> None:
    path = tmp_path / "token"
    path.write_text(text)
    with pytest.raises(ConfigError, match=r"^http_token_file: .*16 to 1024 printable") as error:
        token_of(Settings(http_token_file=str(path)), {})
    assert not text or text not in str(error.value)


def test_a_file_that_is_not_there_is_named() -> None:
    with pytest.raises(ConfigError, match=r"^http_token_file: /nowhere: No such file"):
        token_of(Settings(http_token_file="/nowhere"), {})  # noqa: S106 - the name of a file


def test_an_address_that_others_reach_is_refused_without_a_token_unless_told(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(HTTP_TOKEN, raising=False)
    assert main(["--source", "sim:", "--http", "0.0.0.0:0"]) == 78
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(
        "har-stream: http: 0.0.0.0:0 lets in whoever reaches this machine: set HAR_STREAM_HTTP_TOKEN"
    )
    assert check_http(Settings(http="0.0.0.0:0", http_insecure=True), {}) is None
    assert check_http(Settings(http="0.0.0.0:0"), {HTTP_TOKEN: TOKEN}) == TOKEN
    assert check_http(Settings(http="127.0.0.1:0"), {}) is None
    assert check_http(Settings(http="off"), {}) is None
