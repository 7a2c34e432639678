"""Text lines of six numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from har_stream.formats.format import Readings, Refusal
from har_stream.formats.lines import LONGEST_LINE, LinesDecoder, encode
from tests.decoding import GARBAGE, refused, same_in_any_cut, values_of

ONE = [0.12, -0.05, 9.81, 0.01, 0.02, -0.01]


@pytest.mark.parametrize(
    "line",
    [
        b"0.12,-0.05,9.81,0.01,0.02,-0.01\n",
        b"0.12,-0.05,9.81,0.01,0.02,-0.01\r\n",
        b"0.12\t-0.05\t9.81\t0.01\t0.02\t-0.01\r\n",
        b"0.12 -0.05  9.81 0.01 0.02 -0.01\n",
        b"0.12, -0.05, 9.81, 0.01, 0.02, -0.01\n",
        b" 1.2e-1;-5E-2;+9.81;.01;0.02;-.01 \n",
        b"a/g:\t0.12\t-0.05\t9.81\t0.01\t0.02\t-0.01\n",
        b"a/g:0.12\t-0.05\t9.81\t0.01\t0.02\t-0.01\t\n",
    ],
)
def test_a_line_is_a_reading_however_it_is_separated(line: bytes) -> None:
    decoded = LinesDecoder().push(line)
    assert values_of(decoded).tolist() == [ONE]
    assert refused(decoded) == {}


@pytest.mark.parametrize(
    "line",
    [
        b"1,2,3\n",
        b"1,2,3,4,5\n",
        b"1700000000,1,2,3,4,5,6\n",
        b"1,2,3,4,5,6,7,8,9\n",
        b"Starting MPU6050...\n",
        b"1,2,3,4,5,x\n",
        b"1,2,3,4,5,1_0\n",
        b"0x1,2,3,4,5,6\n",
        b"\xff,2,3,4,5,6\n",
        b"x/g: 1 2 3 4 5 6\n",
        b"1," * 600 + b"\n",
    ],
)
def test_other_lines_are_refused_and_not_guessed_at(line: bytes) -> None:
    assert LinesDecoder().push(line) == [Refusal("line")]


def test_what_the_device_says_of_itself_is_its_error() -> None:
    assert LinesDecoder().push(b"ERR: no sensor\r\nERR\n") == [Refusal("device_error", 2)]


def test_many_lines_are_one_readings_and_refusals_stand_in_their_place() -> None:
    good, bad = b"1,2,3,4,5,6\n", b"boot\n"
    decoded = LinesDecoder().push(good * 3 + bad * 2 + good + b"\n\r\n" + good)
    assert [len(one.values) if isinstance(one, Readings) else one for one in decoded] == [3, Refusal("line", 2), 2]


def test_a_line_that_began_before_the_port_was_opened_counts_only_if_malformed() -> None:
    good = b"1,2,3,4,5,6\n"
    assert refused(LinesDecoder().push(good[2:] + good)) == {"line": 1}
    assert refused(LinesDecoder().push(b"\n" + good)) == {}


def test_a_line_without_end_is_refused_once_and_held_no_longer() -> None:
    decoder = LinesDecoder()
    decoded = [one for _ in range(1000) for one in decoder.push(b"7" * 100)]
    assert decoded == [Refusal("line")]
    assert len(decoder._begun) <= LONGEST_LINE  # noqa: SLF001 - memory is part of the contract
    assert values_of(decoder.push(b"7\n1,2,3,4,5,6\n")).tolist() == [[1, 2, 3, 4, 5, 6]]


def test_nan_is_a_number_that_the_intake_will_refuse() -> None:
    assert np.isnan(values_of(LinesDecoder().push(b"nan,1,2,3,4,5\n"))[0, 0])


@given(st.lists(st.sampled_from([b"1,2,3,4,5,6\r\n", b"ERR\n", b"7" * 1100, b"x\n", b"\n", b"1,2", b"3,4,5,6\n"])))
def test_it_does_not_matter_how_lines_are_cut(parts: list[bytes]) -> None:
    same_in_any_cut(LinesDecoder, b"".join(parts), (1, 7, 500))


@given(arrays(np.float64, st.tuples(st.integers(0, 5), st.just(6))), st.sampled_from([",", "\t", ", "]))
def test_what_is_encoded_decodes_to_the_very_same(
    values: np.ndarray[Any, np.dtype[np.float64]], separator: str
) -> None:
    for prefix in ("", "a/g:\t"):
        decoded = LinesDecoder().push(encode(values, separator=separator, prefix=prefix))
        assert np.array_equal(values_of(decoded), values, equal_nan=True)


@given(st.lists(GARBAGE))
def test_no_bytes_raise(chunks: list[bytes]) -> None:
    decoder = LinesDecoder()
    for chunk in chunks:
        decoder.push(chunk)
    assert len(decoder._begun) <= LONGEST_LINE  # noqa: SLF001 - memory is part of the contract
