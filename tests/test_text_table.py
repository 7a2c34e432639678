"""Tables of numbers as text: read whole, or the first faulty line named."""

from __future__ import annotations

import contextlib
import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from har_stream.datasets.text_table import parse_table
from har_stream.errors import InputError


@pytest.mark.parametrize(
    "data",
    [b"1 2 3\n4 5 6\n", b"1 2 3\n4 5 6", b"  1.0e0  2 \t 3\r\n4 5 6\r\n", b"\n1 2 3\n   \n4 5 6\n\n"],
)
def test_white_space_parts_the_numbers(data: bytes) -> None:
    assert parse_table(data, columns=3, where="here").tolist() == [[1, 2, 3], [4, 5, 6]]


def test_one_column_is_a_column() -> None:
    assert parse_table(b"5\n6\n7\n", columns=1, where="here").shape == (3, 1)


@pytest.mark.parametrize(
    ("data", "fault"),
    [
        (b"1 2 3\n4 5\n6 7", "here line 2: 2 numbers, expected 3"),
        (b"1 2 3 4\n", "here line 1: 4 numbers, expected 3"),
        (b"1 2 3\n\n4 5\n", "here line 3: 2 numbers, expected 3"),
        (b"1 2 3\n4 five 6\n", "here line 2: 'five' is not a number"),
        (b"1 2 3\n4 5 6e\n", "here line 2: '6e' is not a number"),
        (b"1,2,3\n", "here line 1: 1 numbers, expected 3"),
        (b"# 2 3\n", "here line 1: '#' is not a number"),
        (b"0x1 2 3\n", "here line 1: '0x1' is not a number"),
        (b"1_0 2 3\n", "here line 1: '1_0' is not a number"),
        (b"1 2 3\x00\n", r"here line 1: '3\x00' is not a number"),
        (b"\x89PNG\r\n\x1a\n", r"here line 1: 1 numbers, expected 3"),
        (b"1 2 3\n" * 7 + b"1 2", "here line 8: 2 numbers, expected 3"),
    ],
)
def test_the_first_faulty_line_is_named(data: bytes, fault: str) -> None:
    with pytest.raises(InputError) as caught:
        parse_table(data, columns=3, where="here")
    assert str(caught.value) == fault


@pytest.mark.parametrize("data", [b"", b"\n\n", b"  \r\n"])
def test_an_empty_table_is_one_fault_and_no_warning(data: bytes) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(InputError, match=r"^here: no numbers in it$"):
            parse_table(data, columns=3, where="here")


def test_a_long_word_is_cut_short() -> None:
    with pytest.raises(InputError, match=f"'{'x' * 40}' is not a number"):
        parse_table(b"x" * 10_000, columns=1, where="here")


@given(st.lists(st.tuples(*[st.floats(allow_nan=False)] * 2), min_size=1))
def test_numbers_come_back_bit_for_bit(rows: list[tuple[float, float]]) -> None:
    data = "\n".join(f"{a!r} {b!r}" for a, b in rows).encode()
    assert np.array_equal(parse_table(data, columns=2, where="here"), np.array(rows))


@given(st.binary() | st.text("0123456789.-+e_ \t\n\r\x0b\x1c\x85\xa0naif").map(lambda text: text.encode("latin-1")))
def test_any_bytes_are_a_table_or_an_input_error(data: bytes) -> None:
    with contextlib.suppress(InputError):
        table = parse_table(data, columns=2, where="here")
        assert table.shape == (len(table), 2)
        assert len(table)
