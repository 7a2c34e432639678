"""Bytes to frames: the receiver's half of the codec. Nothing that arrives raises; what is wrong becomes a value.

The order of the checks is the contract with c/har_wire.c: both give the same status for the same bytes.
"""

from __future__ import annotations

import struct
from array import array
from io import BytesIO
from typing import Any, NoReturn

import cbor2
from cobs import cobs
from fastcrc import crc16

from firmware_bridge.plain import plain_sample
from firmware_bridge.protocol import (
    CHANNEL_NAME_MAX,
    CHANNELS_MAX,
    CRC_BYTES,
    DELIMITER,
    DEPTH_MAX,
    FLOAT32_ARRAY_TAG,
    FLOAT32_BYTES,
    FRAME_MAX,
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
    Corrupt,
    Frame,
    Sample,
    SessionInfo,
    Status,
)


class Decoder:
    """Cuts a byte stream into frames; holds at most FRAME_MAX bytes, whatever arrives.

    A corrupt frame ends at its delimiter like a good one, so the frame after it is read again. Two delimiters in a
    row are no frame. A sample must have as many values as the last session info names channels, if there was one.
    """

    def __init__(self) -> None:
        self._begun = b""
        self._lost = 0
        self._channels: int | None = None

    def push(self, data: bytes) -> list[Frame]:
        """Take bytes, of any number, and give the frames that they complete, in their order."""
        *ended, begun = data.split(DELIMITER)
        frames: list[Frame] = []
        for piece in ended:
            encoded = self._begun + piece
            length = self._lost + len(encoded)
            self._begun, self._lost = b"", 0
            if length > FRAME_MAX:
                frames.append(Corrupt(Status.OVERSIZE, length))
            elif length:
                frames.append(self._frame(encoded))
        if begun:
            self._hold(self._begun + begun)
        return frames

    def _hold(self, begun: bytes) -> None:
        """Keep what has come of a frame, or count it where it is too much for one."""
        if len(begun) > FRAME_MAX:
            self._lost += len(begun)
            begun = b""
        self._begun = begun

    def _frame(self, encoded: bytes) -> Frame:
        try:
            message = _message_of(encoded)
            sample = plain_sample(message)
            if sample is None:
                return self._read(message)
        except _RefusedError as refused:
            return Corrupt(refused.status, len(encoded))
        if self._channels not in (None, len(sample.values)):
            return Corrupt(Status.WRONG_CHANNELS, len(encoded))
        return sample

    def _read(self, message: bytes) -> SessionInfo | Sample:
        kind, fields = _parts(_parse(message))
        if kind == SAMPLE_TYPE:
            return _sample(fields, self._channels)
        session = _session(fields)
        self._channels = session.channels
        return session


class _RefusedError(Exception):
    def __init__(self, status: Status) -> None:
        self.status = status


class _Tags(dict[int, Any]):
    """Tells cbor2 that no tag is known, but the one that it leaves as it is."""

    def __missing__(self, tag: int) -> NoReturn:
        if tag == FLOAT32_ARRAY_TAG:
            raise KeyError(tag)
        raise _RefusedError(Status.BAD_CBOR)


_TAGS = _Tags()


def _message_of(encoded: bytes) -> bytes:
    try:
        raw: bytes = cobs.decode(encoded)
    except cobs.DecodeError:
        raise _RefusedError(Status.BAD_COBS) from None
    end = LENGTH_BYTES + int.from_bytes(raw[:LENGTH_BYTES], "little")
    message, check = raw[LENGTH_BYTES:end], raw[end:]
    if len(raw) not in (end, end + CRC_BYTES):
        raise _RefusedError(Status.BAD_LENGTH)
    if check and crc16.mcrf4xx(message) != int.from_bytes(check, "little"):
        raise _RefusedError(Status.BAD_CRC)
    return message


def _parse(message: bytes) -> object:
    source = BytesIO(message)
    decoder = cbor2.CBORDecoder(source, semantic_decoders=_TAGS, max_depth=DEPTH_MAX, strict_hashable_types=True)
    try:
        item: object = decoder.decode()
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException:  # noqa: BLE001 - hostile bytes choose what cbor2 raises, and a panic of its Rust is no Exception
        raise _RefusedError(Status.BAD_CBOR) from None
    if source.read(1):
        raise _RefusedError(Status.BAD_CBOR)
    return item


def _parts(item: object) -> tuple[str, dict[Any, Any]]:
    kind = item.get("t") if type(item) is dict else None
    if type(kind) is not str or type(item) is not dict:
        raise _RefusedError(Status.BAD_FIELDS)
    if kind not in (SESSION_TYPE, SAMPLE_TYPE):
        raise _RefusedError(Status.UNKNOWN_TYPE)
    fields = item.get("d")
    if type(fields) is not dict:
        raise _RefusedError(Status.BAD_FIELDS)
    return kind, fields


def _session(fields: dict[Any, Any]) -> SessionInfo:
    names = fields.get("ch_n")
    if type(names) is not list:
        raise _RefusedError(Status.BAD_FIELDS)
    session = SessionInfo(
        session_id=_unsigned(fields.get("sid"), U32_MAX),
        rate_hz=_unsigned(fields.get("hz"), U16_MAX, lowest=1),
        channel_names=tuple(_text(name, CHANNEL_NAME_MAX) for name in names),
        sensor_type=_unsigned(fields.get("st"), U8_MAX),
        dropped=_unsigned(fields.get("dr"), U32_MAX),
        name=_text(fields.get("name"), NAME_MAX),
    )
    _check_channels(session.channels, _unsigned(fields.get("ch"), U8_MAX))
    return session


def _sample(fields: dict[Any, Any], channels: int | None) -> Sample:
    sequence = _unsigned(fields.get("seq"), U32_MAX)
    timestamp_ms = _unsigned(fields.get("ts"), U32_MAX)
    values, micro = _values(fields.get("val"))
    _check_channels(len(values), channels)
    return Sample(sequence, timestamp_ms, values, micro)


def _values(value: object) -> tuple[tuple[float, ...], bool]:
    if type(value) is list:
        kinds = set(map(type, value))
        if kinds <= {float}:
            return tuple(array("f", value)), False  # rounds float64 to float32, as the C side does
        if kinds == {int} and min(value) >= I32_MIN and max(value) <= I32_MAX:
            return tuple(number / MICRO for number in value), True
    if type(value) is cbor2.CBORTag:
        return _typed_array(value.value), False
    raise _RefusedError(Status.BAD_FIELDS)


def _typed_array(data: object) -> tuple[float, ...]:
    if type(data) is not bytes or len(data) % FLOAT32_BYTES:
        raise _RefusedError(Status.BAD_FIELDS)
    return struct.unpack(f"<{len(data) // FLOAT32_BYTES}f", data)


def _unsigned(value: object, highest: int, *, lowest: int = 0) -> int:
    if type(value) is int and lowest <= value <= highest:  # a bool is no int here
        return value
    raise _RefusedError(Status.BAD_FIELDS)


def _text(value: object, longest: int) -> str:
    if type(value) is str and len(value.encode()) <= longest and "\0" not in value:
        return value
    raise _RefusedError(Status.BAD_FIELDS)


def _check_channels(count: int, expected: int | None) -> None:
    if not 1 <= count <= CHANNELS_MAX or expected not in (None, count):
        raise _RefusedError(Status.WRONG_CHANNELS)
