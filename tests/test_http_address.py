"""Where the daemon listens, as the setting says it."""

from __future__ import annotations

import pytest

from har_stream.errors import ConfigError
from har_stream.web.address import Address, parse_address


def test_nothing_given_means_the_default_on_loopback() -> None:
    assert parse_address("") == Address("127.0.0.1", 9478, given=False)


def test_off_means_nowhere() -> None:
    assert parse_address("off") is None


@pytest.mark.parametrize(
    ("text", "host", "port", "loopback"),
    [
        ("127.0.0.1:9478", "127.0.0.1", 9478, True),
        ("localhost:0", "localhost", 0, True),
        ("0.0.0.0:80", "0.0.0.0", 80, False),  # noqa: S104 - only where the user says so
        ("pi.local:9478", "pi.local", 9478, False),
        ("[::1]:9478", "::1", 9478, True),
        ("[::]:9478", "::", 9478, False),
    ],
)
def test_what_is_given_is_taken_apart(text: str, host: str, port: int, loopback: bool) -> None:  # noqa: FBT001
    address = parse_address(text)
    assert address == Address(host, port, given=True)
    assert (str(address), address.loopback) == (text, loopback)


@pytest.mark.parametrize(
    "text",
    [
        "9478",
        ":9478",
        "localhost",
        "localhost:http",
        "127.0.0.1:65536",
        "a b:1",
        "::1:9478",
        "[::1]",
        "h:-1",
        "http://h:1",
    ],
)
def test_what_is_no_address_is_a_fault_that_names_the_key(text: str) -> None:
    with pytest.raises(ConfigError, match=r"^http: .* is no address: expected HOST:PORT"):
        parse_address(text)
