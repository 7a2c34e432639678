"""One input that holds several: messages, or the files of a data set."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

SEPARATOR: Final = b"\xc1|\xc1"
"""Hardly anything that a target reads holds these bytes: no UTF-8, no CBOR, no text."""

MOST: Final = 12


def split(data: bytes) -> list[bytes]:
    """Return the parts of an input, a dozen at most."""
    return data.split(SEPARATOR, MOST - 1)


def join(parts: Iterable[bytes]) -> bytes:
    """Return an input with these parts."""
    return SEPARATOR.join(parts)
