"""WitMotion's packets."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from har_stream.formats.format import Refusal
from har_stream.formats.witmotion import SCALE, WitMotionDecoder, commands_for_50_hz, encode
from tests.decoding import GARBAGE, refused, same_in_any_cut, values_of


def packet(kind: int, *words: int) -> bytes:
    body = bytes([0x55, kind]) + b"".join(word.to_bytes(2, "little", signed=True) for word in words)
    return body + bytes([sum(body) & 0xFF])


ACC = packet(0x51, 2048, -2048, 1024, 2500)
GYRO = packet(0x52, 16384, 0, -16384, 2500)
ANGLES = packet(0x53, 1, 2, 3, 4)
ONE = [1, -1, 0.5, 1000, 0, -1000]


def test_an_acceleration_and_an_angular_rate_are_a_reading() -> None:
    assert values_of(WitMotionDecoder().push(ACC + GYRO)).tolist() == [ONE]


def test_bytes_as_the_makers_describe_them() -> None:
    data = bytes.fromhex("55 51 00 08 00 00 00 f0 00 00 9e 55 52 00 00 00 00 00 40 00 00 e7")
    assert values_of(WitMotionDecoder().push(data)).tolist() == [[1, 0, -2, 0, 0, 1000]]


def test_every_word_is_read_exactly() -> None:
    words = np.arange(-32768, 32768)
    steps = np.repeat(words[:, np.newaxis], 6, axis=1)
    data = b"".join(bytes([0x55, 0x61]) + row.tobytes() + bytes(6) for row in steps.astype("<i2"))
    assert np.array_equal(values_of(WitMotionDecoder().push(data)), steps * ([16.0 / 32768] * 3 + [2000.0 / 32768] * 3))


def test_other_packets_are_skipped_and_not_counted() -> None:
    decoded = WitMotionDecoder().push(
        packet(0x50, 1, 2, 3, 4) + ACC + GYRO + ANGLES + packet(0x54, 1, 2, 3, 4) + ACC + GYRO
    )
    assert values_of(decoded).tolist() == [ONE, ONE]
    assert refused(decoded) == {}


def test_a_packet_of_bluetooth_is_a_reading() -> None:
    data = bytes.fromhex("5561") + b"".join(
        word.to_bytes(2, "little", signed=True) for word in (2048, -2048, 1024, 16384, 0, -16384, 1, 2, 3)
    )
    assert values_of(WitMotionDecoder().push(data * 2)).tolist() == [ONE, ONE]


@pytest.mark.parametrize("at", range(2, 11))
def test_a_damaged_packet_is_refused_and_the_next_one_read(at: int) -> None:
    damaged = bytearray(GYRO)
    damaged[at] ^= 0x01
    decoded = WitMotionDecoder().push(ACC + damaged + ACC + GYRO)
    assert values_of(decoded).tolist() == [ONE]
    assert refused(decoded) == {"checksum": 1}


def test_garbage_before_and_between_counts_once_a_run() -> None:
    decoded = WitMotionDecoder().push(b"\x01\x02U\x00" + ACC + GYRO + b"UU" * 3 + b"\x00" + ACC + GYRO)
    assert values_of(decoded).tolist() == [ONE, ONE]
    assert refused(decoded) == {"frame": 1, "checksum": 1}


def test_an_acceleration_never_joins_the_angular_rate_of_another_cycle() -> None:
    decoded = WitMotionDecoder().push(ACC + b"\x00" + GYRO)
    assert values_of(decoded).tolist() == []
    assert WitMotionDecoder().push(ACC + ACC + ACC) == [Refusal("channels")] * 2


def test_the_commands_for_50_hz() -> None:
    assert b"".join(commands_for_50_hz()).hex() == "ffaa6988b5ffaa030800ffaa000000"


@given(st.lists(st.sampled_from([ACC, GYRO, ANGLES, GYRO[:-1], b"U", b"UQ", b"\x00", b"UR\x01"]), max_size=12))
def test_it_does_not_matter_how_bytes_are_cut(parts: list[bytes]) -> None:
    same_in_any_cut(WitMotionDecoder, b"".join(parts))


@pytest.mark.parametrize("bluetooth", [False, True])
@given(steps=arrays(np.int16, st.tuples(st.integers(0, 5), st.just(6))))
def test_what_is_encoded_decodes_to_the_same_steps(bluetooth: bool, steps: NDArray[np.int16]) -> None:  # noqa: FBT001
    values = steps * SCALE
    assert np.array_equal(values_of(WitMotionDecoder().push(encode(values, bluetooth=bluetooth))), values)


@given(st.lists(GARBAGE))
def test_no_bytes_raise(chunks: list[bytes]) -> None:
    decoder = WitMotionDecoder()
    for chunk in chunks:
        decoder.push(chunk)
    assert len(decoder._begun) < 20  # noqa: SLF001 - memory is part of the contract
