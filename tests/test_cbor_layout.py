"""Messages of a known layout: read as the parser reads them, or not at all."""

from __future__ import annotations

import struct
from itertools import pairwise
from typing import Any

import cbor2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from har_stream.formats.cbor_blocks import CborBlocksDecoder, encode, parse
from har_stream.formats.cbor_layout import learn
from har_stream.formats.format import Decoded, Readings, Refusal

VALUES = np.random.default_rng(1).standard_normal((25, 6)).astype(np.float32)


def message(**fields: Any) -> bytes:
    return cbor2.dumps({"t": 1.5, "hz": 50.0, "seq": 300, "val": cbor2.CBORTag(85, VALUES.tobytes())} | fields)


def told(decoded: list[Decoded]) -> list[Any]:
    """What a decoder gave, in a form that compares."""
    return [
        one
        if isinstance(one, Refusal)
        else (one.start_s, one.rate_hz, one.acc_unit, one.gyro_unit, one.values.tobytes())
        for one in decoded
        if isinstance(one, Refusal | Readings)
    ]


@pytest.mark.parametrize("order", [("t", "hz", "seq", "val"), ("val", "seq", "hz", "t"), ("hz", "val", "t")])
def test_a_layout_reads_other_messages_of_its_kind(order: tuple[str, ...]) -> None:
    first, second = cbor2.loads(message()), cbor2.loads(message(t=7.25, seq=40_000))
    layout = learn(cbor2.dumps({key: first[key] for key in order}), parse)
    assert layout is not None
    read = layout.read(cbor2.dumps({key: second[key] for key in order}))
    assert read is not None
    assert read[0] == 7.25
    assert read[1].tobytes() == VALUES.tobytes()
    assert layout.fields == {"hz": 50.0}


@pytest.mark.parametrize("head", ["59 0258", "5a 00000258", "5b 0000000000000258"])
def test_a_length_may_be_written_in_more_bytes_than_it_needs(head: str) -> None:
    written = message().replace(bytes.fromhex("590258"), bytes.fromhex(head))
    layout = learn(written, parse)
    assert layout is not None
    read = layout.read(written)
    assert read is not None
    assert read[1].tobytes() == VALUES.tobytes()


@pytest.mark.parametrize("change", [{"hz": 51.0}, {"acc_unit": "g"}, {"seq": 9}, {"scale": None}])
def test_another_layout_is_not_taken_for_it(change: dict[str, Any]) -> None:
    layout = learn(message(acc_unit="x"), parse)
    assert layout is not None
    other = message(**({"acc_unit": "x"} | change))
    assert len(other) != len(message(acc_unit="x")) or layout.read(other) is None


@pytest.mark.parametrize(
    "fields",
    [
        {"t": 3},
        {"t": "t\xfb12345678"},
        {"val": cbor2.CBORTag(77, VALUES.astype("<i2").tobytes())},
        {"val": cbor2.CBORTag(85, b"1234567")},
        {"t": None, "hz": "\x61t\xfb........"},
    ],
)
def test_what_has_no_time_or_no_floats_has_no_layout(fields: dict[str, Any]) -> None:
    assert learn(message(**fields), parse) is None


def test_keys_within_other_text_are_not_taken_for_them() -> None:
    bait = {"note": b"\x61t\xfb12345678" + b"\x63val\xd8\x55\x58\x18" + bytes(24)} | cbor2.loads(message())
    assert learn(cbor2.dumps(bait), parse) is None
    assert told(CborBlocksDecoder().push(cbor2.dumps(bait)))[0][0] == 1.5


def test_a_stream_is_read_alike_with_and_without_layouts() -> None:
    one = CborBlocksDecoder()
    for at, following in pairwise(np.cumsum([0, *[25, 25, 10, 25, 1] * 40]).tolist()):
        values = np.full((following - at, 6), at, np.float32)
        data = encode(values, rate_hz=50.0, start_s=at / 50, sequence=at, acc_unit="g" if at < 900 else "m/s2")
        assert told(one.push(data)) == told(CborBlocksDecoder().push(data)) != []


@given(
    at=st.integers(0, len(message()) - 1),
    byte=st.integers(0, 255),
    time_s=st.floats(allow_nan=True) | st.sampled_from([1e300, -1e13]),
)
def test_no_damage_is_read_otherwise_than_by_the_parser(at: int, byte: int, time_s: float) -> None:
    one = CborBlocksDecoder()
    one.push(message())
    damaged = bytearray(message())
    place = damaged.find(struct.pack(">d", 1.5))
    damaged[place : place + 8] = struct.pack(">d", time_s)
    damaged[at] = byte
    assert told(one.push(bytes(damaged))) == told(CborBlocksDecoder().push(bytes(damaged)))
