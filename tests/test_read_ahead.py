"""A socket read in large pieces gives the same bytes, whatever is asked for, and says what it holds."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from har_stream.mqtt.read_ahead import ReadAhead


@pytest.fixture
def ends() -> Iterator[tuple[ReadAhead, socket.socket]]:
    near, far = socket.socketpair()
    near.settimeout(0.0)
    with near, far:
        yield ReadAhead(near), far


class Pieces:
    """A socket that gives what it has in pieces, then nothing yet."""

    def __init__(self, pieces: list[bytes]) -> None:
        self._pieces = list(pieces)

    def recv(self, size: int) -> bytes:
        if not self._pieces:
            raise BlockingIOError
        return self._pieces.pop(0)[:size]

    def send(self, data: bytes) -> int:
        return len(data)


@given(st.lists(st.binary(min_size=1), max_size=10), st.lists(st.integers(1, 50), min_size=1))
def test_any_cut_gives_the_same_bytes(pieces: list[bytes], sizes: list[int]) -> None:
    link, got = ReadAhead(cast("socket.socket", Pieces(pieces))), b""
    for number in range(sum(map(len, pieces))):
        size = sizes[number % len(sizes)]
        if len(got) == sum(map(len, pieces)):
            break
        part = link.recv(size)
        assert 0 < len(part) <= size
        got += part
    assert got == b"".join(pieces)
    assert link.pending() == 0
    with pytest.raises(BlockingIOError):
        link.recv(1)


def test_what_is_held_is_told_and_given_before_the_end(ends: tuple[ReadAhead, socket.socket]) -> None:
    link, far = ends
    far.sendall(b"abcdef")
    far.shutdown(socket.SHUT_WR)
    assert link.pending() == 0
    assert link.recv(1) == b"a"
    assert link.pending() == 5
    assert link.recv(9) == b"bcdef"
    assert link.recv(1) == b""


def test_what_tls_holds_is_told_too() -> None:
    class Tls(Pieces):
        def pending(self) -> int:
            return 7

    link = ReadAhead(cast("socket.socket", Tls([b"abc"])))
    link.recv(1)
    assert link.pending() == 2 + 7


def test_in_all_else_it_is_the_socket(ends: tuple[ReadAhead, socket.socket]) -> None:
    link, far = ends
    assert link.send(b"x") == 1
    assert far.recv(9) == b"x"
    link.close()
    assert link.fileno() == -1
