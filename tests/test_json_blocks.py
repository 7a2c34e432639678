"""Blocks as JSON."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from har_stream.formats.format import Readings, Refusal
from har_stream.formats.json_blocks import JsonBlocksDecoder, encode
from tests.decoding import GARBAGE, refused, values_of

ROWS = [[1, 2, 3, 4, 5, 6], [0.5, 0, 0, 0, 0, -1e-3]]

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=6) | st.dictionaries(st.text(max_size=4), inner, max_size=4),
    max_leaves=12,
)


def only(message: dict[str, Any]) -> Readings:
    (one,) = JsonBlocksDecoder().push(json.dumps(message).encode())
    assert isinstance(one, Readings)
    return one


def test_a_block_says_start_rate_and_units() -> None:
    one = only({"t": 1.7e9, "hz": 50, "seq": 3, "acc_unit": "m/s2", "gyro_unit": "deg/s", "samples": ROWS})
    assert one.values.tolist() == ROWS
    assert (one.start_s, one.rate_hz, one.acc_unit, one.gyro_unit, one.times_s) == (1.7e9, 50.0, "m/s2", "deg/s", None)


def test_all_but_samples_may_be_missing() -> None:
    one = only({"samples": ROWS})
    assert (one.start_s, one.rate_hz, one.times_s, one.acc_unit) == (None, None, None, None)


def test_a_lone_sample_needs_no_rate() -> None:
    one = only({"t": 5, "samples": ROWS[:1]})
    assert one.times_s is not None
    assert one.times_s.tolist() == [5.0]


def test_no_samples_are_no_fault() -> None:
    assert JsonBlocksDecoder().push(b'{"t":1,"hz":50,"samples":[]}') == []


def test_what_the_sender_does_not_have_is_nan() -> None:
    for word in ("null", "NaN", "Infinity", "-Infinity"):
        decoded = JsonBlocksDecoder().push(f'{{"samples":[[1,2,3,4,5,{word}]]}}'.encode())
        assert np.isnan(values_of(decoded)[0, 5])


def test_of_doubled_keys_the_last_holds() -> None:
    decoded = JsonBlocksDecoder().push(b'{"samples":[[1,2,3,4,5,6]],"samples":[[6,5,4,3,2,1]]}')
    assert values_of(decoded).tolist() == [[6, 5, 4, 3, 2, 1]]


def block(**changes: Any) -> bytes:
    return json.dumps({"t": 1.0, "hz": 50.0, "samples": ROWS} | changes).encode()


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        (block(hz=0), "rate"),
        (block(hz=-50), "rate"),
        (block(hz=10_001), "rate"),
        (block(hz=None), "rate"),
        (block(hz=True), "message"),
        (block(hz="50"), "message"),
        (block(t=1e12), "time"),
        (block(t=-1e300), "time"),
        (block(t=[1]), "message"),
        (block(acc_unit="ms2"), "unit"),
        (block(gyro_unit="g"), "unit"),
        (block(samples=[[1, 2, 3]]), "message"),
        (block(samples=[[1, 2, 3, 4, 5, 6, 7]]), "message"),
        (block(samples=[*ROWS, [1, 2, 3, 4, 5]]), "message"),
        (block(samples=[[True] * 6]), "message"),
        (block(samples=[1, 2, 3, 4, 5, 6]), "message"),
        (block(samples={}), "message"),
        (b'{"t":1e400,"samples":[]}', "message"),
        (b'{"t":' + b"9" * 4301 + b',"samples":[]}', "message"),
        (b'{"samples":[[1,2,3,4,5,' + b"9" * 400 + b"]]}", "message"),
        (b'{"samples":' + b"[" * 100_000, "message"),
        (b'{"acc_unit":"\\ud800","samples":[]}', "message"),
        (b'{"acc_unit":"\xff","samples":[]}', "message"),
        (b"NaN", "message"),
        (b"[" * 100_000 + b"NaN", "message"),
        (b"9" * 5000 + b"NaN", "message"),
        (b"", "message"),
        (b"[]", "message"),
        (b'{"samples":[[1,2,3,4,5,6]]}x', "message"),
    ],
)
def test_other_messages_are_refused_by_their_reason(message: bytes, reason: str) -> None:
    assert JsonBlocksDecoder().push(message) == [Refusal(reason)]


@given(arrays(np.float64, st.tuples(st.integers(1, 5), st.just(6)), elements=st.floats(allow_infinity=False)))
def test_what_is_encoded_decodes_to_the_very_same(values: np.ndarray[Any, np.dtype[np.float64]]) -> None:
    decoded = JsonBlocksDecoder().push(encode(values, rate_hz=50.0, start_s=1.5, sequence=7))
    assert np.array_equal(values_of(decoded), values, equal_nan=True)


@given(JSON | st.fixed_dictionaries({"samples": JSON | st.just(ROWS), "t": JSON, "hz": JSON, "acc_unit": JSON}))
def test_no_json_raises(item: Any) -> None:
    decoded = JsonBlocksDecoder().push(json.dumps(item).encode())
    assert len(decoded) <= 1
    assert sum(refused(decoded).values()) <= 1


@given(GARBAGE)
def test_no_bytes_raise(data: bytes) -> None:
    JsonBlocksDecoder().push(data)
