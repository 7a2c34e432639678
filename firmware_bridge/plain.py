"""A sample's message as the senders here write it, and Nordic's: nearly all that arrive. It needs no CBOR parser.

    {"t": "sd", "d": {"seq": unsigned, "ts": unsigned, "val": [float32, ...]}}

Keys in this order, all of definite length. decode.py reads every other one, and would read these just so.
"""

from __future__ import annotations

import re
from struct import Struct

from firmware_bridge.protocol import CHANNELS_MAX, FLOAT32_BYTES, Sample

_UNSIGNED = rb"([\0-\x17]|\x18.|\x19..|\x1a....)"
_FLOATS = rb"([\x81-\x90])((?:\xfa....)+)"
_PLAIN = re.compile(
    rb"\xa2 \x61t \x62sd \x61d \xa3 \x63seq" + _UNSIGNED + rb"\x62ts" + _UNSIGNED + rb"\x63val" + _FLOATS,
    re.DOTALL | re.VERBOSE,
)
_ARRAY_HEAD = 0x80
_UNPACK = [Struct(">" + "xf" * count).unpack for count in range(CHANNELS_MAX + 1)]


def plain_sample(message: bytes) -> Sample | None:
    """Return the sample of a message of this form; None for any other message, whatever it is."""
    plain = _PLAIN.fullmatch(message)
    if plain is None:
        return None
    sequence, timestamp_ms, (head,), floats = plain.groups()
    count = head - _ARRAY_HEAD
    if len(floats) != count * (1 + FLOAT32_BYTES):
        return None
    # An integer of CBOR is what follows its head, or its head if small.
    return Sample(
        int.from_bytes(sequence[1:] or sequence),
        int.from_bytes(timestamp_ms[1:] or timestamp_ms),
        _UNPACK[count](floats),
    )
