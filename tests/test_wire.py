"""A socket read and written in large pieces: the same bytes in the same order, and it says what it holds."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator
from contextlib import suppress
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from har_stream.mqtt.wire import Wire


@pytest.fixture
def ends() -> Iterator[tuple[Wire, socket.socket]]:
    near, far = socket.socketpair()
    near.settimeout(0.0)
    with near, far:
        yield Wire(near), far


class Pieces:
    """A socket that gives what it has in pieces, then nothing yet."""

    def __init__(self, pieces: list[bytes]) -> None:
        self._pieces = list(pieces)

    def recv(self, size: int) -> bytes:
        if not self._pieces:
            raise BlockingIOError
        return self._pieces.pop(0)[:size]

    def send(self, data: bytes) -> int:
        raise BlockingIOError


class Narrow(Pieces):
    """A socket that takes so many bytes each time, 0 for none now."""

    def __init__(self, takes: list[int]) -> None:
        super().__init__([])
        self._takes, self.sent = takes, b""

    def send(self, data: bytes) -> int:
        take = min(self._takes.pop(0), len(data)) if self._takes else 0
        if not take:
            raise ssl.SSLWantWriteError if len(self._takes) % 2 else BlockingIOError
        self.sent += data[:take]
        return take


@given(st.lists(st.binary(min_size=1), max_size=10), st.lists(st.integers(1, 50), min_size=1))
def test_any_cut_gives_the_same_bytes(pieces: list[bytes], sizes: list[int]) -> None:
    link, got = Wire(cast("socket.socket", Pieces(pieces))), b""
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


def test_what_is_held_is_told_and_given_before_the_end(ends: tuple[Wire, socket.socket]) -> None:
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

    link = Wire(cast("socket.socket", Tls([b"abc"])))
    link.recv(1)
    assert link.pending() == 2 + 7


def test_in_all_else_it_is_the_socket(ends: tuple[Wire, socket.socket]) -> None:
    link, far = ends
    assert link.send(b"x") == 1
    assert far.recv(9) == b"x"
    link.close()
    assert link.fileno() == -1


def test_what_is_gathered_goes_out_in_one_piece(ends: tuple[Wire, socket.socket]) -> None:
    link, far = ends
    far.settimeout(0.0)
    link.gathers = True
    assert [link.send(b"abc"), link.send(b"de")] == [3, 2]
    assert link.unsent
    with pytest.raises(BlockingIOError):
        far.recv(9)
    link.flush()
    assert not link.unsent
    assert far.recv(9) == b"abcde"


@given(
    st.lists(st.tuples(st.booleans(), st.binary(min_size=1)), max_size=20),
    st.lists(st.integers(0, 20), max_size=40),
)
def test_whatever_the_network_takes_the_order_is_kept(sends: list[tuple[bool, bytes]], takes: list[int]) -> None:
    narrow, given_away = Narrow(takes), b""
    link = Wire(cast("socket.socket", narrow))
    for gathers, data in sends:
        link.gathers = gathers
        with suppress(BlockingIOError, ssl.SSLWantWriteError):
            given_away += data[: link.send(data)]
    assert given_away.startswith(narrow.sent)
    assert link.unsent == (narrow.sent != given_away)
    takes[:] = [100] * 100
    link.flush()
    assert narrow.sent == given_away


def test_a_network_that_is_broken_is_told(ends: tuple[Wire, socket.socket]) -> None:
    link, far = ends
    link.gathers = True
    link.send(b"x")
    far.close()
    with pytest.raises(BrokenPipeError):
        link.flush()
