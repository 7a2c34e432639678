"""The bytes that states of devices are kept as, and how many are remembered."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from har_stream.state import DeviceMemory, DeviceState, UnreadableStateError, decode, encode
from har_stream.upright import UprightState

numbers = st.floats(allow_nan=False, allow_infinity=False)
uprights = st.builds(UprightState, st.tuples(numbers, numbers, numbers), st.integers(1, 10**9))
states = st.dictionaries(
    st.from_regex(r"[A-Za-z0-9_-]{1,64}", fullmatch=True), st.builds(DeviceState, st.none() | uprights), max_size=5
)
SOME = {"phone": DeviceState(UprightState((0.8, 0.6, 0.0), 57)), "watch": DeviceState()}
WRITTEN = (
    b'{"format":1,"sha256":"%s","devices":{"phone":{"upright":{"gravity":[0.8,0.6,0.0],"windows":57}},"watch":{}}}\n'
)
DEVICES = b'{"phone":{"upright":{"gravity":[0.8,0.6,0.0],"windows":57}},"watch":{}}'


def sealed(devices: bytes, version: bytes = b"1") -> bytes:
    """A file of these devices with its checksum right."""
    digest = hashlib.sha256(devices).hexdigest().encode()
    return b'{"format":%s,"sha256":"%s","devices":%s}' % (version, digest, devices)


@given(states)
def test_what_is_written_is_read_in_its_order(some: dict[str, DeviceState]) -> None:
    assert list(decode(encode(some)).items()) == list(some.items())


def test_the_bytes_of_format_1() -> None:
    assert encode(SOME) == WRITTEN % hashlib.sha256(DEVICES).hexdigest().encode()


@pytest.mark.parametrize("length", range(len(encode(SOME)) - 1))
def test_a_file_cut_short_anywhere_is_damaged(length: int) -> None:
    with pytest.raises(UnreadableStateError) as caught:
        decode(encode(SOME)[:length])
    assert caught.value.kind == "damaged"


@pytest.mark.parametrize("bit", range(8))
def test_every_flipped_bit_is_found(bit: int) -> None:
    whole = encode(SOME)
    for place in range(len(whole) - 1):
        flipped = bytearray(whole)
        flipped[place] ^= 1 << bit
        with pytest.raises(UnreadableStateError):
            decode(bytes(flipped))


@given(st.binary(max_size=100))
def test_any_bytes_are_states_or_unreadable(data: bytes) -> None:
    with pytest.raises(UnreadableStateError):
        decode(data)


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (b"{}", "damaged"),
        (b"[" * 100_000, "damaged"),
        (b'{"format":1}', "damaged"),
        (b'{"format":"1"}', "damaged"),
        (sealed(b"{}", b"0"), "damaged"),
        (sealed(b"[]"), "damaged"),
        (sealed(b'{"a":{"upright":{"gravity":[1,2],"windows":3}}}'), "damaged"),
        (sealed(b'{"a":{"upright":{"gravity":[1,2,3],"windows":0}}}'), "damaged"),
        (sealed(b"{}", b"2"), "newer"),
        (b'{"format":7,"anything":[]}', "newer"),
    ],
)
def test_what_is_not_ours_is_told_by_kind(data: bytes, kind: str) -> None:
    with pytest.raises(UnreadableStateError) as caught:
        decode(data)
    assert caught.value.kind == kind


def test_parts_that_are_not_known_are_passed_over() -> None:
    known = b'"upright":{"gravity":[1,0,0],"windows":3,"doubt":1}'
    assert decode(sealed(b'{"a":{%s,"smoother":[1]}}' % known)) == {"a": DeviceState(UprightState((1.0, 0.0, 0.0), 3))}


def test_the_device_kept_longest_ago_is_forgotten_first() -> None:
    memory = DeviceMemory(limit=2)
    for device in ("a", "b", "a", "c"):
        memory.keep(device, DeviceState())
    assert list(memory.states()) == ["a", "c"]
    assert memory.get("b") is None
