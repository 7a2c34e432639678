"""How devices stood, and the bytes it is kept as."""

from __future__ import annotations

import hashlib

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from har_stream.standings import NOBODY, NUMBERS, RESUME_WITHIN_S, TITLE, Standings, decode, encode
from har_stream.state import UnreadableStateError

OUTPUTS = ("walking", "sitting", "sit_to_stand")
NOW_S = 1_795_500_000.0


def of(*devices: str, heard_s: float = NOW_S, outputs: tuple[str, ...] = OUTPUTS) -> Standings:
    numbers = np.arange(len(devices) * (NUMBERS + len(outputs)), dtype=np.float64).reshape(len(devices), -1)
    numbers[:, 0] = heard_s
    return Standings(outputs, devices, numbers)


SOME = encode(of("phone", "watch"))


@st.composite
def standings(draw: st.DrawFn) -> Standings:
    outputs = draw(st.lists(st.text(max_size=9), max_size=4).map(tuple))
    devices = draw(st.lists(st.from_regex(r"[A-Za-z0-9_-]{1,64}", fullmatch=True), unique=True, max_size=5).map(tuple))
    numbers = draw(arrays.arrays(np.float64, (len(devices), NUMBERS + len(outputs))))
    return Standings(outputs, devices, numbers)


@given(standings())
def test_what_is_written_is_read(some: Standings) -> None:
    found = decode(encode(some))
    assert (found.outputs, found.devices) == (some.outputs, some.devices)
    assert found.numbers.shape == some.numbers.shape
    assert found.numbers.tobytes() == some.numbers.tobytes()


def damage(data: bytes) -> str:
    with pytest.raises(UnreadableStateError) as caught:
        decode(data)
    return caught.value.kind


@pytest.mark.parametrize("length", range(len(SOME)))
def test_a_file_cut_short_anywhere_is_damaged(length: int) -> None:
    assert damage(SOME[:length]) == "damaged"


def test_every_flipped_bit_is_found() -> None:
    version = len(TITLE)
    for bit in range(8 * len(SOME)):
        flipped = bytearray(SOME)
        flipped[bit // 8] ^= 1 << bit % 8
        newer = bit // 8 == version and flipped[version] in b"23456789"
        assert damage(bytes(flipped)) == ("newer" if newer else "damaged")


@given(st.binary(max_size=200))
def test_any_bytes_are_refused(data: bytes) -> None:
    damage(data)
    damage(TITLE + data)


def sealed(body: object, version: int = 1) -> bytes:
    """A file with this body and its checksum right."""
    packed = msgspec.msgpack.encode(body)
    return b"%s%d %s\n%s" % (TITLE, version, hashlib.sha256(packed).hexdigest().encode(), packed)


RIGHT = {"outputs": ["a"], "devices": ["d"], "numbers": bytes(8 * 5)}


@pytest.mark.parametrize(
    "body",
    [
        [],
        {},
        RIGHT | {"numbers": bytes(8 * 4)},
        RIGHT | {"numbers": bytes(7)},
        RIGHT | {"devices": ["d", "e"]},
        RIGHT | {"devices": [7]},
        RIGHT | {"more": 1},
    ],
)
def test_what_is_not_ours_is_damaged_though_its_checksum_is_right(body: object) -> None:
    assert decode(sealed(RIGHT)).devices == ("d",)
    assert damage(sealed(body)) == "damaged"


def test_the_kind_tells_a_newer_format() -> None:
    assert damage(sealed(RIGHT, 2)) == "newer"
    assert damage(sealed(RIGHT, 0)) == "damaged"


def test_recent_are_those_heard_of_shortly_before_or_after() -> None:
    numbers = np.concatenate(
        [of("x", heard_s=NOW_S + s).numbers for s in (-RESUME_WITHIN_S - 1, -RESUME_WITHIN_S, 5.0, 31.0)]
    )
    assert Standings(OUTPUTS, ("a", "b", "c", "d"), numbers).recent(NOW_S).devices == ("b", "c")
    assert NOBODY.recent(NOW_S).devices == ()


def test_others_come_after_ours_and_no_more_than_there_is_room_for() -> None:
    joined = of("a", "b").with_others(of("b", "c", "d", heard_s=1.0), limit=3)
    assert joined.devices == ("a", "b", "c")
    assert joined.numbers[:, 0].tolist() == [NOW_S, NOW_S, 1.0]
    assert of("a", "b").with_others(of("c"), limit=1).devices == ("a", "b")
    assert of("a").with_others(of("c", outputs=("walking",)), limit=9).devices == ("a",)
    assert of("a").with_others(NOBODY, limit=9).devices == ("a",)
