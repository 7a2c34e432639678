"""Samples that need no CBOR parser: read just so as by it, and no other message is taken for one."""

from __future__ import annotations

from struct import pack
from unittest.mock import patch

import cbor2
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from firmware_bridge import decode
from firmware_bridge.encode import encode_session, frame_of
from firmware_bridge.plain import plain_sample
from firmware_bridge.protocol import Frame, Sample, SessionInfo
from tests.wire_c import comparable
from tests.wire_frames import FLOATS, SIX, U32, cbor_of, dice, tampered

UNSIGNED = (
    st.integers(0, 0x1F).map(lambda head: bytes([head]))
    | st.binary(min_size=1, max_size=1).map(b"\x18".__add__)
    | st.binary(min_size=2, max_size=2).map(b"\x19".__add__)
    | st.binary(min_size=4, max_size=4).map(b"\x1a".__add__)
)
"""Integers as CBOR may have them, not each in its shortest form, with line feeds and zeros among their bytes; and heads
that are none."""
FLOAT32S = st.lists(st.binary(min_size=4, max_size=4).map(b"\xfa".__add__), max_size=18).map(b"".join)


def message_of(sequence: bytes, stamp: bytes, count: int, floats: bytes) -> bytes:
    array = bytes([0x80 | count]) if count < 0x18 else bytes([0x98, count])
    return b"\xa2atbsdad\xa3cseq" + sequence + b"bts" + stamp + b"cval" + array + floats


def by_parser(*pushes: bytes) -> list[Frame]:
    """Give what a decoder reads that knows no plain samples."""
    with patch.object(decode, "plain_sample", return_value=None):
        decoder = decode.Decoder()
        return [frame for data in pushes for frame in decoder.push(data)]


@given(U32, U32, FLOATS)
def test_what_senders_write_is_plain(sequence: int, stamp: int, values: tuple[float, ...]) -> None:
    sample = Sample(sequence, stamp, values)
    plain = plain_sample(cbor_of(sample))
    assert plain is not None
    assert comparable([plain]) == comparable([sample])


@given(UNSIGNED, UNSIGNED, st.integers(0, 18), FLOAT32S, st.sampled_from([b"", b"\n", b"\0"]))
@example(b"\0", b"\0", 1, b"\xfa\x7f\xc0\0\0", b"")
@example(b"\0", b"\0", 1, b"\xfa\x7f\xc0\0\0", b"\n")
@example(b"\x18", b"\0", 1, b"\xfa\0\0\0\0", b"")
@example(b"\0", b"\0", 17, b"\xfa\0\0\0\0" * 17, b"")
def test_plain_samples_are_read_as_by_the_parser(
    sequence: bytes, stamp: bytes, count: int, floats: bytes, more: bytes
) -> None:
    for said in count, len(floats) // 5:
        message = message_of(sequence, stamp, said, floats) + more
        frames = encode_session(SIX), frame_of(message), frame_of(message, crc=False)
        for pushes in frames, frames[1:]:
            decoder = decode.Decoder()
            assert comparable(frame for data in pushes for frame in decoder.push(data)) == comparable(
                by_parser(*pushes)
            )


@given(st.integers(0, 2**32))
def test_tampered_messages_are_read_as_by_the_parser(seed: int) -> None:
    rng = dice(seed)
    pushes = [tampered(rng) for _ in range(20)]
    decoder = decode.Decoder()
    assert comparable(frame for data in pushes for frame in decoder.push(data)) == comparable(by_parser(*pushes))


@pytest.mark.parametrize(
    "message",
    [
        cbor_of(SIX),
        cbor_of(Sample(1, 20, (1.5, 2.0), micro=True)),
        cbor2.dumps({"t": "sd", "d": {"seq": 1, "ts": 2, "val": [1.5]}}),
        cbor2.dumps({"d": {"seq": 1, "ts": 2, "val": cbor2.CBORTag(85, pack("<f", 1.5))}, "t": "sd"}),
    ],
)
def test_other_messages_are_left_to_the_parser(message: bytes) -> None:
    assert plain_sample(message) is None
    (frame,) = decode.Decoder().push(frame_of(message))
    assert isinstance(frame, Sample | SessionInfo)
