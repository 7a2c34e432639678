"""Who listens on loopback answers to loopback's names alone."""

from __future__ import annotations

import pytest

from har_stream.web.address import Address
from har_stream.web.host import meant_for_us

LOOPBACK = Address("127.0.0.1", 9478, given=True)


@pytest.mark.parametrize(
    "host",
    [
        "localhost",
        "LOCALHOST:9478",
        "127.0.0.1",
        "127.0.0.1:1234",
        "127.1.2.3:80",
        "[::1]:9478",
        "[::1]",
        "har.localhost",
    ],
)
def test_loopbacks_names_are_answered(host: str) -> None:
    assert meant_for_us([host], LOOPBACK)


@pytest.mark.parametrize(
    "host",
    [
        *(
            "evil.example",
            "evil.example:9478",
            "localhost.evil.example",
            "notlocalhost",
            "192.0.2.1",
            "[2001:db8::1]:80",
        ),
        *(
            "",
            "localhost:",
            "localhost:port",
            "localhost@evil.example",
            "127.0.0.1.evil.example",
            "[127.0.0.1",
            "loc\xe4l",
        ),
        *("127.0.0.1, evil.example", "0x7f.0.0.1"),
    ],
)
def test_others_are_not(host: str) -> None:
    assert not meant_for_us([host], LOOPBACK)
    assert not meant_for_us(["localhost", host], LOOPBACK)


def test_no_browser_asks_without_a_name() -> None:
    assert meant_for_us([], LOOPBACK)


def test_an_address_that_others_reach_may_have_any_name() -> None:
    assert meant_for_us(["server.example:9478"], Address("0.0.0.0", 9478, given=True))  # noqa: S104 - what is tested


def test_a_name_of_ones_own_for_loopback_is_not_known() -> None:
    assert meant_for_us(["[::1]:9478"], Address("::1", 9478, given=True))
    assert not meant_for_us(["box.example"], Address("localhost", 9478, given=True))
