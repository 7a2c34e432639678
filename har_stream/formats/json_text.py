"""JSON in, or None: one place for all that hostile text can do to a parser."""

from __future__ import annotations

import json
from typing import TypeVar

import msgspec

T = TypeVar("T")


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
