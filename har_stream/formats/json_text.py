"""JSON in, or None: one place for all that hostile text can do to a parser."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Final, TypeVar

import msgspec
import numpy as np
from numpy.typing import NDArray

T = TypeVar("T")

NUMBERS: Final = frozenset({int, float, type(None)})
"""A bool is none of them, though Python takes it for an int."""


def parse(data: bytes, decoder: msgspec.json.Decoder[T]) -> T | None:
    """Return what the text holds, in the decoder's type; None where it is no JSON, or not of that type.

    NaN and Infinity, which are no JSON but which Python and others write, come as null. Of doubled keys the last
    holds.
    """
    try:
        return decoder.decode(data)
    except (ValueError, RecursionError):
        if b"NaN" not in data and b"Infinity" not in data:
            return None
    try:
        text = json.dumps(json.loads(data, parse_constant=lambda _: None))
        return decoder.decode(text)
    except (ValueError, RecursionError):
        return None


def numbers(values: Iterable[object]) -> NDArray[np.float64] | None:
    """Return numbers and nulls as an array, null as NaN; None where one is something else, or beyond all floats."""
    listed = list(values)
    if not all(type(value) in NUMBERS for value in listed):
        return None
    try:
        return np.array(listed, np.float64)
    except OverflowError:
        return None
