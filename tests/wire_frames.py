"""Frames for Hypothesis, lawful ones and ones that were tampered with."""

from __future__ import annotations

import random
import struct

import cbor2
from cobs import cobs
from hypothesis import strategies as st

from firmware_bridge.encode import encode, encode_session, frame_of
from firmware_bridge.protocol import (
    CHANNELS_MAX,
    I32_MAX,
    I32_MIN,
    MICRO,
    U8_MAX,
    U16_MAX,
    U32_MAX,
    Sample,
    SessionInfo,
)

U32 = st.integers(0, U32_MAX)


def texts(bytes_max: int) -> st.SearchStrategy[str]:
    letters = st.characters(exclude_characters="\0", exclude_categories=["Cs"])
    whole = st.text(letters, max_size=bytes_max)
    return whole.map(lambda text: text.encode()[:bytes_max].decode(errors="ignore"))  # a letter may be four bytes


SESSIONS = st.builds(
    SessionInfo,
    session_id=U32,
    rate_hz=st.integers(1, U16_MAX),
    channel_names=st.lists(texts(5), min_size=1, max_size=CHANNELS_MAX).map(tuple),
    sensor_type=st.integers(0, U8_MAX),
    dropped=U32,
    name=texts(31),
)
FLOATS = st.lists(st.floats(width=32, allow_nan=False), min_size=1, max_size=CHANNELS_MAX).map(tuple)
MICROS = st.lists(st.integers(I32_MIN, I32_MAX).map(lambda i: i / MICRO), min_size=1, max_size=CHANNELS_MAX).map(tuple)
SAMPLES = st.builds(Sample, U32, U32, FLOATS) | st.builds(Sample, U32, U32, MICROS, micro=st.sampled_from([True]))
MESSAGES = SESSIONS | SAMPLES

SIX = SessionInfo(1, 50, ("ax", "ay", "az", "gx", "gy", "gz"), 1, 0, "watch")
_WALK = Sample(1, 20, (1.5, -0.0, 9.75, 0.0, 2.0**-149, -2.5))


def cbor_of(message: SessionInfo | Sample) -> bytes:
    """Give the message of a frame."""
    return bytes(cobs.decode(encode(message, crc=False)[:-1])[2:])


def _sample_of(values: object, **more: object) -> bytes:
    return cbor2.dumps({"t": "sd", "d": {"seq": 1, "ts": 2, "val": values, **more}})


SEEDS = [
    cbor_of(SIX),
    cbor_of(_WALK),
    cbor_of(Sample(1, 20, (1.5, -2147.483648, 2147.483647, 0.0, -1e-06, 1.0), micro=True)),
    _sample_of(cbor2.CBORTag(85, struct.pack("<6f", *range(6))), x={"y": [1, [2, {"z": b"abc"}]], "ü": "ǚ€😀"}),
    _sample_of([1.1, 2.5, 1e300, 1e-42, -3e-46, float("nan")]),
    bytes.fromhex(
        "bf 6174 627364 6164 bf 63736571 1901f4 627473 00 6376616c"
        "9f f90001 f93c00 fb3ff0000000000000 fa7f800001 f97e01 fb3690000000000001 ff ff ff"
    ),
    bytes.fromhex(
        "bf 7f6174ff 7f61736164ff 6164 bf 63736571 1901f4 627473 006376616c d855 5f 43000102 4103 4401020304 ff ff ff"
    ),
]
"""Messages of every shape that a receiver reads."""

_TELLING = bytes.fromhex("00ff7f805f9fbf1b3b5b7b9bbbdbd855f4f7f8f9fafbfc1ca0816141ede0f0c2181a38")
"""Bytes that mean much to CBOR or UTF-8."""


def dice(seed: int) -> random.Random:
    """Give the same chances for the same seed."""
    return random.Random(seed)  # noqa: S311 - repeatable, not secret


def tampered(rng: random.Random) -> bytes:
    """Give a stream: now and then a session, and a message that was changed in some places before it was framed."""
    message = bytearray(rng.choice(SEEDS))
    for _ in range(rng.randint(0, 3)):
        _tamper(message, rng)
    stream = bytearray(frame_of(bytes(message), crc=rng.random() < 0.7))
    if rng.random() < 0.1:  # and some changed on the wire
        stream[rng.randrange(len(stream))] = rng.randrange(256)
    return (encode_session(SIX) if rng.random() < 0.3 else b"") + bytes(stream) + b"\0"


def _tamper(message: bytearray, rng: random.Random) -> None:
    at = rng.randrange(len(message) + 1)
    copied = rng.randrange(len(message) + 1)
    nested = bytes([rng.choice((0x81, 0xA1, 0x9F, 0xD8))]) * rng.randint(1, 10)
    piece = rng.choice(
        [
            b"",
            bytes([rng.randrange(256)]),
            bytes([rng.choice(_TELLING)]),
            bytes(message[copied : copied + rng.randint(1, 12)]),
            nested,
        ]
    )
    message[at : at + rng.choice((0, 1, len(piece)))] = piece
