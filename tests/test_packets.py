"""Plain packets from bytes and to bytes, byte by byte."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from har_stream.mqtt.packets import PlainMessage, plain_packets, qos_1_packet
from tests.mqtt_packets import EXPIRES, packet, publish


@pytest.mark.parametrize(
    ("one", "v5", "plain"),
    [
        (publish(b"har/a/imu", b"\x00\xff", properties=b"\0"), True, (b"har/a/imu", b"\x00\xff", False)),
        (publish(b"\xff", b"", properties=b"\0", flags=1), True, (b"\xff", b"", True)),
        (publish(b"t", b"\0"), False, (b"t", b"\0", False)),
        (publish(b"t", bytes(300)), False, (b"t", bytes(300), False)),
        (publish(b"t", b"x", properties=EXPIRES), True, None),
        (publish(b"t", b"x", number=b"\0\1", flags=2), False, None),
        (publish(b"t", b"x", flags=8), False, None),
        (publish(b"", b"x"), False, None),
        (publish(b"", b"x", properties=b"\0"), True, None),
        (packet(0x30, b"\0\x09short"), False, None),
        (packet(0x30, b"\0\x05short"), True, None),
        (packet(0x30, b"\0"), False, None),
        (b"\x30\x83\x80\x80\x80\x00\0\1t", False, None),
        (packet(0xD0, b""), False, None),
        (packet(0x50, b"\0\1"), False, None),
    ],
)
def test_what_is_plain(one: bytes, plain: PlainMessage | None, *, v5: bool) -> None:
    found = plain_packets(one, 0, v5=v5)
    assert found.messages == ([plain] if plain is not None else [])
    assert found.end == (len(one) if plain is not None else 0)
    assert not found.acknowledged


@pytest.mark.parametrize(
    ("end", "v5", "plain"),
    [
        (b"", False, True),
        (b"", True, True),
        (b"\0", True, True),
        (b"\x10", True, True),
        (b"\0", False, False),
        (b"\x87", True, False),
        (b"\0\0", True, False),
    ],
)
def test_which_acknowledgements_are_plain(end: bytes, *, v5: bool, plain: bool) -> None:
    assert plain_packets(packet(0x40, b"\x12\x34" + end), 0, v5=v5).acknowledged == [0x1234] * plain


PLAIN = st.one_of(
    st.tuples(st.binary(min_size=1, max_size=5), st.binary(max_size=200), st.booleans()),
    st.integers(0, 65_535),
)


@given(st.lists(PLAIN, max_size=6), st.booleans(), st.integers(0, 9), st.data())
def test_plain_packets_are_taken_up_to_the_first_that_is_not_whole(
    sent: list[PlainMessage | int],
    v5: bool,  # noqa: FBT001 - as Hypothesis gives it
    begin: int,
    data: st.DataObject,
) -> None:
    packets = [
        packet(0x40, one.to_bytes(2))
        if isinstance(one, int)
        else publish(one[0], one[1], properties=bytes(v5), flags=int(one[2]))
        for one in sent
    ]
    whole = bytes(begin) + b"".join(packets)
    cut = data.draw(st.integers(begin, len(whole)))
    count = sum(begin + len(b"".join(packets[: number + 1])) <= cut for number in range(len(packets)))
    found = plain_packets(whole[:cut], begin, v5=v5)
    assert found.messages == [one for one in sent[:count] if not isinstance(one, int)]
    assert found.acknowledged == [one for one in sent[:count] if isinstance(one, int)]
    assert found.end == begin + len(b"".join(packets[:count]))


@pytest.mark.parametrize("length", [0, 1, 100, 117, 118, 119, 16_373, 16_374, 16_375, 2_100_000])
@pytest.mark.parametrize("v5", [False, True])
def test_a_message_goes_out_as_it_is_written_down(length: int, *, v5: bool) -> None:
    wanted = publish(b"har/a", bytes(length), number=b"\1\2", properties=bytes(v5), flags=3)
    assert qos_1_packet(b"har/a", bytes(length), 0x0102, retain=True, v5=v5) == wanted
