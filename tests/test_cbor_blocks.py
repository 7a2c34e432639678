"""Blocks as CBOR with typed arrays."""

from __future__ import annotations

import math
from typing import Any

import cbor2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from har_stream.formats.cbor_blocks import CborBlocksDecoder, encode
from har_stream.formats.format import Readings, Refusal
from tests.decoding import GARBAGE, SAMPLES, values_of

VALUES = np.arange(12, dtype="<f4").reshape(2, 6)
FLOATS = cbor2.CBORTag(85, VALUES.tobytes())
INTS = cbor2.CBORTag(77, VALUES.astype("<i2").tobytes())
SCALE = [0.5, 0.5, 0.5, 2, 2, 2]


def block(**changes: Any) -> bytes:
    return cbor2.dumps({"t": 1.0, "hz": 50.0, "seq": 0, "val": FLOATS} | changes)


def only(message: bytes) -> Readings:
    (one,) = CborBlocksDecoder().push(message)
    assert isinstance(one, Readings)
    return one


def test_float32_come_without_being_copied() -> None:
    one = only(block())
    assert (one.start_s, one.rate_hz, one.acc_unit) == (1.0, 50.0, None)
    assert one.values.dtype == np.float32
    assert not one.values.flags.owndata
    assert one.values.tobytes() == VALUES.tobytes()


def test_bytes_as_the_format_describes_them() -> None:
    row = bytes.fromhex("0000803f 00000040 00000000 00000000 00000000 000000bf")
    message = bytes.fromhex("a3 61 74 fb 3ff0000000000000 62 68 7a 18 32 63 76 61 6c d8 55 58 18") + row
    one = only(message)
    assert (one.start_s, one.rate_hz, one.values.tolist()) == (1.0, 50.0, [[1, 2, 0, 0, 0, -0.5]])


def test_int16_are_scaled_by_channel() -> None:
    one = only(block(val=INTS, scale=SCALE, acc_unit="m/s2", gyro_unit="deg/s"))
    assert one.values.tolist() == (VALUES * np.array(SCALE)).tolist()
    assert (one.acc_unit, one.gyro_unit) == ("m/s2", "deg/s")


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        (block(hz=0), "rate"),
        (block(hz=math.nan), "rate"),
        (block(hz=math.inf), "rate"),
        (block(hz=2**64 - 1), "rate"),
        (block(hz=None), "rate"),
        (block(hz=True), "message"),
        (block(hz="50"), "message"),
        (block(hz=2**64), "message"),
        (block(t=math.nan), "time"),
        (block(t=-(2**63)), "time"),
        (block(t=[]), "message"),
        (block(acc_unit="ms2"), "unit"),
        (block(acc_unit=b"g"), "message"),
        (block(val=cbor2.CBORTag(85, bytes(23))), "shape"),
        (block(val=cbor2.CBORTag(85, "x" * 24)), "shape"),
        (block(val=bytes(24)), "shape"),
        (block(val=[1, 2, 3, 4, 5, 6]), "shape"),
        (block(val=None), "shape"),
        (block(scale=SCALE), "shape"),
        (block(val=INTS), "shape"),
        (block(val=INTS, scale=SCALE[:5]), "shape"),
        (block(val=INTS, scale=[True] * 6), "shape"),
        (block(val=INTS, scale=["1"] * 6), "shape"),
        (block(val=cbor2.CBORTag(84, VALUES.tobytes())), "message"),
        (block(more=cbor2.CBORTag(35, "(a+)+$")), "message"),
        (block(more=[[[[[[1]]]]]]), "message"),
        (b"\xa2" + cbor2.dumps("hz") + b"\x01" + cbor2.dumps("hz") + b"\x02", "message"),
        (b"\xa1\x61\xff\x01", "message"),
        (b"\x81" * 100_000, "message"),
        (b"\xbb\x7f" + b"\xff" * 7, "message"),
        (bytes.fromhex("c5821a7fffffff01"), "message"),
        (b"\xa0", "shape"),
        (b"", "message"),
        (b"\x80", "message"),
    ],
)
def test_other_messages_are_refused_by_their_reason(message: bytes, reason: str) -> None:
    assert CborBlocksDecoder().push(message) == [Refusal(reason)]


@given(SAMPLES)
def test_what_is_encoded_decodes_to_the_very_same(values: np.ndarray[Any, np.dtype[np.float32]]) -> None:
    decoded = CborBlocksDecoder().push(encode(values, rate_hz=50.0, start_s=1.5, sequence=7))
    assert np.array_equal(values_of(decoded), values)


@given(SAMPLES)
def test_half_the_size_costs_half_a_step(values: np.ndarray[Any, np.dtype[np.float32]]) -> None:
    decoded = CborBlocksDecoder().push(encode(values, rate_hz=50.0, scale=[1 / 32] * 6))
    assert np.abs(values_of(decoded) - values).max() <= 1 / 64


@given(GARBAGE, st.integers(0, 120), st.integers(0, 255))
def test_no_bytes_raise(data: bytes, at: int, byte: int) -> None:
    CborBlocksDecoder().push(data)
    damaged = bytearray(block())
    damaged[at % len(damaged)] = byte
    CborBlocksDecoder().push(bytes(damaged))
