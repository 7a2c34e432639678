"""The table of cases that every implementation must pass, vectors.jsonl: `python -m firmware_bridge.vectors` prints it.

One line a case: `hex`, the bytes of a stream; `frames`, what a receiver that has heard nothing before gives for them;
and, where an encoder gives just these bytes for these frames, `crc`: whether it was asked for one.
"""

from __future__ import annotations

import json
import math
import struct
import sys
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import cbor2

from firmware_bridge.decode import Decoder
from firmware_bridge.encode import encode, encode_sample, encode_session, frame_of
from firmware_bridge.protocol import (
    FLOAT32_ARRAY_TAG,
    FRAME_MAX,
    I32_MAX,
    I32_MIN,
    MICRO,
    U32_MAX,
    Corrupt,
    Frame,
    Sample,
    SessionInfo,
    Status,
)

VECTORS = Path(__file__).with_name("vectors.jsonl")
_SUBNORMAL = 2.0**-149
_LARGEST = (2 - 2**-23) * 2.0**127

_SIX = SessionInfo(0x12345678, 50, ("ax", "ay", "az", "gx", "gy", "gz"), 1, 0, "har-imu")
_THREE = SessionInfo(0, 1, ("x", "y", "z"))
_FULL = SessionInfo(U32_MAX, 65535, tuple(f"chn{n:02}" for n in range(16)), 255, U32_MAX, "n" * 31)
_LATIN = SessionInfo(7, 104, ("αβ", "az", "gx"), 2, 3, "Käthes Handgelenk")
_PLAIN = Sample(258, 5160, (0.5, -9.75, 1.0, 0.0, -0.25, 2.0))
_MICRO = Sample(1, 20, (I32_MIN / MICRO, I32_MAX / MICRO, -1 / MICRO, 0.0, 9.80665, 1.0), micro=True)

_SENT: dict[str, SessionInfo | Sample] = {
    "session of six channels": _SIX,
    "session of three channels, empty name": _THREE,
    "session of extremes: 16 channels, 31-character name": _FULL,
    "session with text beyond ASCII": _LATIN,
    "sample of six floats": _PLAIN,
    "sample of extremes": Sample(U32_MAX, U32_MAX, (_LARGEST, -_LARGEST, _SUBNORMAL, -_SUBNORMAL, -0.0, 0.0)),
    "sample of what is not finite: NaN is 7fc00000": Sample(0, 0, (math.nan, math.inf, -math.inf)),
    "sample of micro-units": _MICRO,
    "sample of one channel": Sample(23, 24, (1.5,)),
    "sample of sixteen channels": Sample(255, 256, tuple(n / 8 for n in range(16))),
    "sample of sixteen zeros in micro-units": Sample(65535, 65536, (0.0,) * 16, micro=True),
}


def frame_as_json(frame: Frame) -> dict[str, Any]:
    """Describe a frame by JSON's own types; what is not finite becomes "nan", "inf" or "-inf"."""
    if isinstance(frame, SessionInfo):
        return {"session": asdict(frame)}
    if isinstance(frame, Corrupt):
        return {"corrupt": frame.status.name.lower(), "length": frame.length}
    values = [value if math.isfinite(value) else str(value) for value in frame.values]
    return {"sample": {**asdict(frame), "values": values}}


def frame_from_json(item: dict[str, Any]) -> Frame:
    """Undo frame_as_json."""
    if session := item.get("session"):
        return SessionInfo(**{**session, "channel_names": tuple(session["channel_names"])})
    if sample := item.get("sample"):
        return Sample(**{**sample, "values": tuple(map(float, sample["values"]))})
    return Corrupt(Status[item["corrupt"].upper()], item["length"])


def table() -> Iterator[str]:
    """Give the lines of vectors.jsonl."""
    for name, frame in _SENT.items():
        for crc in (True, False):
            yield _line(name if crc else f"{name}, no CRC", encode(frame, crc=crc), crc=crc)
    for name, stream in (*_read().items(), *_refused().items()):
        yield _line(name, stream)


def _line(name: str, stream: bytes, **sent: bool) -> str:
    frames = [frame_as_json(frame) for frame in Decoder().push(stream)]
    return json.dumps({"name": name, "hex": stream.hex(), **sent, "frames": frames}, ensure_ascii=False)


def _sample(**changed: Any) -> dict[str, Any]:
    return {"t": "sd", "d": {"seq": 1, "ts": 20, "val": [1.0, 2.0, 3.0], **changed}}


def _session(**changed: Any) -> dict[str, Any]:
    fields = {"sid": 1, "hz": 50, "ch": 2, "ch_n": ["a", "b"], "st": 0, "dr": 0, "name": "n"}
    return {"t": "si", "d": {**fields, **changed}}


def _message(item: Any) -> bytes:
    return frame_of(cbor2.dumps(item))


def _read() -> dict[str, bytes]:
    """Give streams that other senders might write, and that a receiver must read."""
    array = cbor2.CBORTag(FLOAT32_ARRAY_TAG, struct.pack("<3f", 1.5, -2.0, 0.0))
    indefinite = "bf6174627364 6164 bf 63736571 01 627473 1814 6376616c9f fa3f800000 fa40000000 ffffff"
    chunks = "a2 6174 7f61736164ff 6164 a3 63736571 1a00000001 627473 1b0000000000000014 6376616c 81 f93c00"
    twice = "a3 6174 00 6164 a3 63736571 01 627473 14 6376616c 8100 6174 627364"
    return {
        "nothing between delimiters": bytes(3),
        "floats of 16, 32 and 64 bits": _message(_sample(val=[1.0, 0.1, 1e-40, 1e300, 1.0000001788139343])),
        "typed array of floats": _message(_sample(val=array)),
        "maps and arrays of indefinite length": frame_of(bytes.fromhex(indefinite)),
        "text in chunks and integers wider than needed": frame_of(bytes.fromhex(chunks)),
        "keys in another order, unknown keys": _message({"v": [None, {"u": 0}], "d": _sample(x=True)["d"], "t": "sd"}),
        "the last of two keys alike counts": frame_of(bytes.fromhex(twice)),
        "session, then its sample": encode_session(_THREE) + encode_sample(Sample(0, 0, (1.0, 2.0, 3.0))),
    }


def _refused() -> dict[str, bytes]:
    """Give streams with a corrupt frame; a good one after it must be read."""
    good = encode_sample(_PLAIN)
    flipped = bytes([*good[:-2], good[-2] ^ 1, 0])
    return {
        **{f"{name}, then a good frame": stream + good for name, stream in _broken_frames(good, flipped).items()},
        **{name: _message(item) for name, item in _broken_messages().items()},
        **{name: frame_of(bytes.fromhex(text)) for name, text in _broken_cbor().items()},
        "sample that does not fit its session": encode_session(_THREE) + good,
    }


def _broken_frames(good: bytes, flipped: bytes) -> dict[str, bytes]:
    return {
        "frame longer than the longest": b"\x01" * (FRAME_MAX + 1) + b"\0",
        "longest frame of nothing": b"\x01" * FRAME_MAX + b"\0",
        "COBS block that reaches over the delimiter": good[:-2] + b"\0",
        "frame whose beginning was missed": good[7:],
        "frame of one byte": b"\x02\x05\0",
        "CRC of one byte": b"\x02\x01\x03\xa0\x01\0",
        "length that says more than there is": b"\x02\x09\x02\xa0\0",
        "wrong CRC": flipped,
        "empty message": b"\x01\x01\x01\0",
    }


def _broken_messages() -> dict[str, Any]:
    return {
        "unknown type": {"t": "xx", "d": {}},
        "type that is a number": {"t": 1, "d": {}},
        "message that is an array": ["sd", {}],
        "message without a payload": {"t": "sd"},
        "payload that is no map": {"t": "si", "d": []},
        "sequence that is boolean": _sample(seq=True),
        "sequence that is a float": _sample(seq=1.0),
        "sequence below zero": _sample(seq=-1),
        "time beyond u32": _sample(ts=U32_MAX + 1),
        "values missing": _sample(val=None),
        "values of both kinds": _sample(val=[1.0, 1, 1.0]),
        "value that is boolean": _sample(val=[True, False]),
        "micro-units beyond int32": _sample(val=[I32_MAX + 1]),
        "typed array of seven bytes": _sample(val=cbor2.CBORTag(FLOAT32_ARRAY_TAG, b"1234567")),
        "typed array that is a list": _sample(val=cbor2.CBORTag(FLOAT32_ARRAY_TAG, [1.0])),
        "sample without channels": _sample(val=[]),
        "sample of seventeen channels": _sample(val=[0.0] * 17),
        "session of fewer names than channels": _session(ch=3),
        "session without channels": _session(ch=0, ch_n=[]),
        "rate of zero": _session(hz=0),
        "rate beyond u16": _session(hz=65536),
        "sensor type beyond u8": _session(st=256),
        "channel name of six bytes": _session(ch_n=["a", "βββ"]),
        "channel name that is a number": _session(ch_n=["a", 1]),
        "name of 32 bytes": _session(name="n" * 32),
        "name that holds NUL": _session(name="a\0b"),
    }


def _broken_cbor() -> dict[str, str]:
    return {
        "map that ends early": "a26174",
        "bytes after the map": "a000",
        "map key that is a number": "a10102",
        "text that is not UTF-8": "a1617461c3",
        "text of 2^63 bytes": "a161747b8000000000000000",
        "array of 2^64 - 1 items": "a161749bffffffffffffffff",
        "nine arrays in each other": "81" * 9 + "00",
        "tag of a date": "a16174c01a00000000",
        "tag of a shared reference": "a16174d81d00",
        "reserved head": "a161741c",
        "break alone": "ff",
        "simple value in too many bytes": "a16174f814",
    }


if __name__ == "__main__":
    sys.stdout.writelines(f"{line}\n" for line in table())
