"""The Python codec: what goes in comes out, and nothing that arrives raises, grows or stops the stream."""

from __future__ import annotations

import math
import time

import cbor2
import pytest
from fastcrc import crc16
from hypothesis import given
from hypothesis import strategies as st

from firmware_bridge.decode import Decoder
from firmware_bridge.encode import encode, encode_sample, encode_session, frame_of
from firmware_bridge.protocol import FRAME_MAX, Corrupt, Sample, SessionInfo, Status
from tests.wire_c import comparable
from tests.wire_frames import MESSAGES, SIX, dice, tampered

GOOD = Sample(7, 140, (1.0, 2.0, 3.0, 4.0, 5.0, 6.0))


def held(decoder: Decoder) -> int:
    return len(decoder._begun)  # noqa: SLF001


def test_a_frame_written_by_hand_is_read() -> None:
    message = bytes.fromhex("a2 6174 627364 6164 a3 63736571 05 627473 1864 6376616c 82 fa3f800000 fac0000000")
    check = crc16.mcrf4xx(message)
    raw = bytes([len(message), 0]) + message + bytes([check & 0xFF, check >> 8])
    blocks = [bytes([len(block) + 1]) + block for block in raw.split(b"\0")]
    assert Decoder().push(b"".join(blocks) + b"\0") == [Sample(5, 100, (1.0, -2.0))]


def test_the_check_sum_is_mcrf4xx() -> None:
    assert crc16.mcrf4xx(b"123456789") == 0x6F91


@given(MESSAGES, st.booleans())
def test_what_is_encoded_is_decoded(message: SessionInfo | Sample, crc: bool) -> None:  # noqa: FBT001
    assert comparable(Decoder().push(encode(message, crc=crc))) == comparable([message])


@given(st.lists(MESSAGES, max_size=4), st.data())
def test_it_does_not_matter_how_a_stream_is_cut(messages: list[SessionInfo | Sample], data: st.DataObject) -> None:
    stream = b"".join(map(encode, messages))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=6)))
    decoder = Decoder()
    pieces = [decoder.push(stream[start:end]) for start, end in zip([0, *cuts], [*cuts, len(stream)], strict=True)]
    assert comparable(frame for frames in pieces for frame in frames) == comparable(Decoder().push(stream))


@given(st.lists(st.binary(max_size=700), max_size=6))
def test_bytes_of_any_kind_give_values_and_the_next_frame_is_read(pieces: list[bytes]) -> None:
    decoder = Decoder()
    for piece in pieces:
        decoder.push(piece)
        assert held(decoder) <= FRAME_MAX
    decoder.push(b"\0" + encode_session(SIX))
    assert decoder.push(encode_sample(GOOD)) == [GOOD]


@given(st.integers(0, 2**32))
def test_tampered_messages_give_values(seed: int) -> None:
    rng = dice(seed)
    for frame in Decoder().push(b"".join(tampered(rng) for _ in range(20))):
        assert isinstance(frame, SessionInfo | Sample | Corrupt)


@given(
    st.recursive(
        st.none() | st.integers() | st.text() | st.floats(),
        lambda inner: st.lists(inner, max_size=4) | st.tuples(inner),
        max_leaves=12,
    )
)
def test_any_cbor_is_no_message(item: object) -> None:
    frame = frame_of(cbor2.dumps(item))
    (corrupt,) = Decoder().push(frame)
    assert isinstance(corrupt, Corrupt)


@pytest.mark.parametrize("declared", ["5b", "7b", "9b", "bb"])
def test_a_declared_length_reserves_no_memory(declared: str) -> None:
    message = bytes.fromhex(declared + "7fffffffffffffff") + b"a" * 100
    started = time.process_time()
    assert Decoder().push(frame_of(message)) == [Corrupt(Status.BAD_CBOR, len(frame_of(message)) - 1)]
    assert time.process_time() - started < 0.5


def test_garbage_without_end_is_counted_and_not_kept() -> None:
    decoder = Decoder()
    for _ in range(1000):
        assert not decoder.push(b"\xff" * 1000)
        assert held(decoder) == 0
    assert decoder.push(b"\0" + encode_sample(GOOD)) == [Corrupt(Status.OVERSIZE, 1_000_000), GOOD]


def test_the_longest_lawful_messages_fit_a_frame() -> None:
    session = SessionInfo(2**32 - 1, 65535, ("12345",) * 16, 255, 2**32 - 1, "n" * 31)
    wide = {"seq": 2**32 - 1, "ts": 2**32 - 1, "val": [math.pi] * 16}
    assert len(encode_session(session)) < FRAME_MAX
    assert len(frame_of(cbor2.dumps({"t": "sd", "d": wide}))) < FRAME_MAX


def test_samples_before_any_session_may_have_any_channels() -> None:
    three, two = Sample(0, 0, (1.0, 2.0, 3.0)), Sample(1, 20, (1.0, 2.0))
    assert Decoder().push(encode_sample(three) + encode_sample(two)) == [three, two]


def test_samples_after_a_session_must_have_its_channels_until_the_next_session() -> None:
    three = Sample(0, 0, (1.0, 2.0, 3.0))
    session = SessionInfo(2, 50, ("ax", "ay", "az"))
    decoder = Decoder()
    decoder.push(encode_session(SIX))
    assert decoder.push(encode_sample(three)) == [Corrupt(Status.WRONG_CHANNELS, len(encode_sample(three)) - 1)]
    assert decoder.push(encode_sample(GOOD)) == [GOOD]
    assert decoder.push(encode_session(session) + encode_sample(three)) == [session, three]


def test_micro_units_come_back_as_the_same_integers() -> None:
    sample = Sample(0, 0, (9.80665, -1e-06, 2147.483647), micro=True)
    (back,) = Decoder().push(encode_sample(sample))
    assert back == sample


@pytest.mark.parametrize(
    "message",
    [
        Sample(2**32, 0, (1.0,)),
        Sample(0, -1, (1.0,)),
        Sample(0, 0, ()),
        Sample(0, 0, (0.0,) * 17),
        Sample(0, 0, (1e39,)),
        Sample(0, 0, (2147.483648,), micro=True),
        Sample(0, 0, (math.nan,), micro=True),
        SessionInfo(2**32, 50, ("a",)),
        SessionInfo(0, 0, ("a",)),
        SessionInfo(0, 50, ()),
        SessionInfo(0, 50, ("βββ",)),
        SessionInfo(0, 50, ("a",), sensor_type=256),
        SessionInfo(0, 50, ("a",), dropped=-1),
        SessionInfo(0, 50, ("a",), name="n" * 32),
        SessionInfo(0, 50, ("a",), name="a\0"),
    ],
)
def test_what_has_no_frame_is_refused_by_the_encoder(message: SessionInfo | Sample) -> None:
    with pytest.raises(ValueError, match=r"from|longer|beyond|no integer"):
        encode(message)


def test_many_frames_in_one_push_are_cheap() -> None:
    stream = encode_sample(GOOD) * 5000
    started = time.process_time()
    assert len(Decoder().push(stream)) == 5000
    assert time.process_time() - started < 1.0  # 0.05 to 0.1 s on an idle core
