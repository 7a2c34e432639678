"""Messages to frames: the sender's half of the codec, byte for byte what c/har_wire.c writes."""

from __future__ import annotations

import math
import struct

import cbor2
from cobs import cobs
from fastcrc import crc16

from firmware_bridge.protocol import (
    CHANNEL_NAME_MAX,
    CHANNELS_MAX,
    CRC_BYTES,
    DELIMITER,
    I32_MAX,
    I32_MIN,
    LENGTH_BYTES,
    MICRO,
    NAME_MAX,
    SAMPLE_TYPE,
    SESSION_TYPE,
    U8_MAX,
    U16_MAX,
    U32_MAX,
    Sample,
    SessionInfo,
)

_FLOAT32 = struct.Struct(">Bf")
_FLOAT32_HEAD = 0xFA
_ARRAY_HEAD = 0x80
_NAN = bytes.fromhex("fa7fc00000")
"""The one NaN that is sent, whatever the sign and payload of the NaN given."""


def encode_session(session: SessionInfo, *, crc: bool = True) -> bytes:
    """Give the frame of a session info, its delimiter included.

    Raises ValueError where a field is out of its range.
    """
    names = session.channel_names
    _check("channels", session.channels, 1, CHANNELS_MAX)
    for name in names:
        _check_text("channel name", name, CHANNEL_NAME_MAX)
    fields = {
        "sid": _check("session_id", session.session_id, 0, U32_MAX),
        "hz": _check("rate_hz", session.rate_hz, 1, U16_MAX),
        "ch": session.channels,
        "ch_n": list(names),
        "st": _check("sensor_type", session.sensor_type, 0, U8_MAX),
        "dr": _check("dropped", session.dropped, 0, U32_MAX),
        "name": _check_text("name", session.name, NAME_MAX),
    }
    return frame_of(cbor2.dumps({"t": SESSION_TYPE, "d": fields}), crc=crc)


def encode_sample(sample: Sample, *, crc: bool = True) -> bytes:
    """Give the frame of one sample, its delimiter included.

    Values are rounded to float32, or to whole millionths where the sample says `micro`. Raises ValueError where a
    number is out of its range, which for float32 is only what is finite and beyond 3.4e38.
    """
    _check("channels", len(sample.values), 1, CHANNELS_MAX)
    fields = {
        "seq": _check("sequence", sample.sequence, 0, U32_MAX),
        "ts": _check("timestamp_ms", sample.timestamp_ms, 0, U32_MAX),
        "val": [_micro(value) for value in sample.values] if sample.micro else [],
    }
    message = cbor2.dumps({"t": SAMPLE_TYPE, "d": fields})
    if not sample.micro:  # cbor2 writes float64 or the shortest float, never float32 alone: the last item is ours
        message = message[:-1] + bytes([_ARRAY_HEAD | len(sample.values)]) + b"".join(map(_float32, sample.values))
    return frame_of(message, crc=crc)


def encode(message: SessionInfo | Sample, *, crc: bool = True) -> bytes:
    """Give the frame of either message, as the two above do."""
    return encode_session(message, crc=crc) if isinstance(message, SessionInfo) else encode_sample(message, crc=crc)


def frame_of(message: bytes, *, crc: bool = True) -> bytes:
    """Put any CBOR message of at most 65535 bytes into a frame, its delimiter included."""
    length = len(message).to_bytes(LENGTH_BYTES, "little")
    check = crc16.mcrf4xx(message).to_bytes(CRC_BYTES, "little") if crc else b""
    return bytes(cobs.encode(length + message + check)) + DELIMITER


def _float32(value: float) -> bytes:
    if math.isnan(value):
        return _NAN
    try:
        return _FLOAT32.pack(_FLOAT32_HEAD, value)
    except OverflowError:
        raise ValueError(f"{value} is beyond float32") from None


def _micro(value: float) -> int:
    if not math.isfinite(value):
        raise ValueError(f"{value} has no integer of millionths")
    return _check("value in millionths", round(value * MICRO), I32_MIN, I32_MAX)


def _check(name: str, value: int, lowest: int, highest: int) -> int:
    if not lowest <= value <= highest:
        raise ValueError(f"{name} is {value}, not from {lowest} to {highest}")
    return value


def _check_text(name: str, text: str, longest: int) -> str:
    if len(text.encode()) > longest or "\0" in text:
        raise ValueError(f"{name} {text!r} is longer than {longest} bytes or holds a NUL")
    return text
