"""Binary IMU frames to readings."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware_bridge.encode import encode, encode_sample, frame_of
from firmware_bridge.encode import encode_session as session_frame
from firmware_bridge.protocol import Sample, SessionInfo
from har_stream.formats.format import Readings, Refusal
from har_stream.formats.frames import NAMES, FramesDecoder, encode_samples, encode_session
from tests.decoding import GARBAGE, SAMPLES, refused, same_in_any_cut, times_of, values_of
from tests.wire_frames import MESSAGES

ROW = (1.0, 2.0, 3.0, 4.0, 5.0, 6.0)
SESSION = encode_session(session_id=7, rate_hz=50, name="wrist")


def sample(ms: int, values: tuple[float, ...] = ROW) -> bytes:
    return encode_sample(Sample(0, ms, values))


def of_values(values: list[float]) -> Sample:
    return Sample(0, 20, tuple(values))


def session(*names: str, session_id: int = 7) -> bytes:
    return session_frame(SessionInfo(session_id, 50, names))


def test_the_samples_of_a_push_are_one_readings_with_what_the_session_says() -> None:
    decoded = FramesDecoder().push(SESSION + sample(20) + sample(40) + sample(60))
    assert len(decoded) == 1
    only = decoded[0]
    assert isinstance(only, Readings)
    assert (only.rate_hz, only.device, times_of(decoded)) == (50.0, "wrist", [0.02, 0.04, 0.06])
    assert only.values.tolist() == [list(ROW)] * 3


def test_a_session_without_a_name_names_no_device() -> None:
    (only,) = FramesDecoder().push(encode_session(session_id=7, rate_hz=50) + sample(20))
    assert isinstance(only, Readings)
    assert only.device is None


def test_a_session_that_is_told_again_does_not_part_readings() -> None:
    assert len(FramesDecoder().push(SESSION + sample(20) + SESSION + sample(40))) == 1


def test_samples_before_any_session_are_taken_in_their_order() -> None:
    decoded = FramesDecoder().push(sample(20))
    assert values_of(decoded).tolist() == [list(ROW)]
    assert isinstance(decoded[0], Readings)
    assert decoded[0].rate_hz is None


def test_samples_before_any_session_need_not_have_as_many_values() -> None:
    decoded = FramesDecoder().push(sample(20) + sample(40, (*ROW, 7.0)) + sample(60, (*ROW, 7.0, 8.0)))
    assert values_of(decoded).tolist() == [list(ROW)] * 3


@pytest.mark.parametrize("names", ["gz t ax ay az gx gy", "gx gy gz ax ay az", "ax ay az gx gy gz t"])
def test_channels_may_come_in_any_order_and_among_others(names: str) -> None:
    decoder, sent = FramesDecoder(), dict(zip(NAMES, ROW, strict=True))
    decoder.push(session(*names.split()))
    assert values_of(decoder.push(sample(0, tuple(sent.get(name, 99.0) for name in names.split())))).tolist() == [
        list(ROW)
    ]


def test_six_channels_by_unknown_names_are_taken_in_their_order() -> None:
    decoder = FramesDecoder()
    decoder.push(session("1", "2", "3", "4", "5", "6"))
    assert values_of(decoder.push(sample(0))).tolist() == [list(ROW)]


def test_without_a_gyroscope_nothing_can_be_told() -> None:
    decoder = FramesDecoder()
    decoder.push(session("ax", "ay", "az"))
    assert decoder.push(sample(0, (1, 2, 3))) == [Refusal("channels")]
    assert FramesDecoder().push(sample(0, (1, 2, 3))) == [Refusal("channels")]


def test_stamps_go_on_beyond_32_bits() -> None:
    decoder = FramesDecoder()
    decoded = decoder.push(SESSION + sample(2**32 - 20) + sample(0)) + decoder.push(sample(20))
    assert times_of(decoded) == [(2**32 - 20) / 1000, 2**32 / 1000, (2**32 + 20) / 1000]


def test_a_step_back_is_no_wrap() -> None:
    assert times_of(FramesDecoder().push(SESSION + sample(1000) + sample(980) + sample(1020))) == [1.0, 0.98, 1.02]


def test_a_new_session_begins_anew() -> None:
    decoder = FramesDecoder()
    decoder.push(SESSION + sample(2**32 - 1))
    decoded = decoder.push(sample(5) + encode_session(session_id=8, rate_hz=50) + sample(6))
    assert times_of(decoded) == [(2**32 + 5) / 1000, 0.006]


def test_what_is_corrupt_is_refused_by_its_reason_in_its_place() -> None:
    damaged = bytearray(sample(40))
    damaged[20] ^= 0x02
    decoded = FramesDecoder().push(sample(20) + bytes(damaged) + sample(60) + frame_of(b"\xa0"))
    assert refused(decoded) == {"checksum": 1, "frame": 1}
    assert times_of(decoded) == [0.02, 0.06]


@given(
    st.lists(
        st.sampled_from([SESSION, sample(20), sample(40), sample(40)[:-3], b"\0", b"\x05", session("a")]), max_size=8
    )
)
def test_it_does_not_matter_how_bytes_are_cut(parts: list[bytes]) -> None:
    same_in_any_cut(FramesDecoder, b"".join(parts))


@given(SAMPLES, st.integers(0, 2**32 - 1))
def test_what_is_encoded_decodes_to_the_very_same(values: np.ndarray[Any, np.dtype[np.float32]], start_ms: int) -> None:
    decoded = FramesDecoder().push(SESSION + encode_samples(values, sequence=5, start_ms=start_ms, rate_hz=50.0))
    assert np.array_equal(values_of(decoded), values)
    assert np.allclose(times_of(decoded), start_ms / 1000 + np.arange(len(values)) / 50, atol=1e-3, rtol=0)


@given(st.lists(MESSAGES | st.lists(st.floats(width=32), min_size=5, max_size=9).map(of_values), max_size=4))
def test_any_messages_give_the_same_in_any_cut(messages: list[SessionInfo | Sample]) -> None:
    same_in_any_cut(FramesDecoder, b"".join(map(encode, messages)))


@given(st.lists(GARBAGE))
def test_no_bytes_raise(chunks: list[bytes]) -> None:
    decoder = FramesDecoder()
    for chunk in chunks:
        decoder.push(chunk)
