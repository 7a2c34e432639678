"""Which format it is, told from the bytes: format=auto. Pure: bytes in, a verdict out once there is one.

serial line   frames | lines | witmotion    by trial: what random bytes can hardly be
message       the same three, CBOR, or JSON of four kinds   by its first byte and its keys
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from firmware_bridge import decode
from firmware_bridge.protocol import Corrupt, Sample
from har_stream.formats import cbor_blocks
from har_stream.formats.format import Readings
from har_stream.formats.json_text import parse
from har_stream.formats.lines import LinesDecoder
from har_stream.formats.phyphox import meaning_of
from har_stream.formats.witmotion import ACCELERATION, ANGULAR_RATE, COMBINED, COMBINED_PACKET, HEAD, PACKET

HELD: Final = 4096
"""Bytes that are kept for the decoder to come and that trials look at: two of the longest items fit in any case."""

GARBAGE: Final = 8192
"""Bytes without a verdict after which a line is said to carry garbage."""

TRIAL_SHARE: Final = 64
"""A trial waits for as much news as this part of what is held, so that a trickle of garbage costs little."""

LINES_NEEDED: Final = 2
BLANKS: Final = b" \t\r\n"
KEYS_SHOWN: Final = 80

ACC_HEAD: Final = bytes([HEAD, ACCELERATION])
COMBINED_HEAD: Final = bytes([HEAD, COMBINED])

MAPS: Final = msgspec.json.Decoder(dict[str, msgspec.Raw])


@dataclass(frozen=True, slots=True)
class Found:
    """A format's name, and what was found as the end of a sentence: "found binary frames of ..."."""

    format: str
    what: str


class LineDetection:
    """Holds the last bytes of a line until they tell its format.

    held is what the decoder should take first; lost how many bytes before it were let go; hint says what the user
    might do where nothing was told for long, else "".
    """

    def __init__(self) -> None:
        self.held = b""
        self.lost = 0
        self._untried = 0

    @property
    def hint(self) -> str:
        """Return what to look at where only garbage came, "" before that."""
        if self.lost + len(self.held) < GARBAGE:
            return ""
        return f"{self.lost + len(self.held)} bytes and none that can be read: looks like a wrong baud rate"

    def push(self, data: bytes) -> Found | None:
        """Take bytes, tell the format as soon as they leave no doubt."""
        held = self.held + data
        # A verdict on a long chunk must not depend on its end alone: begin with what would be let go.
        for end in range(min(len(held), HELD), len(held), HELD // 2):
            found = _stream(held[max(0, end - HELD) : end])
            if found:
                self._let_go(held, max(0, end - HELD))
                return found
        self._let_go(held, max(0, len(held) - HELD))
        self._untried += len(data)
        if self._untried * TRIAL_SHARE < len(self.held):
            return None
        self._untried = 0
        return _stream(self.held)

    def _let_go(self, held: bytes, count: int) -> None:
        self.lost += count
        self.held = held[count:]


def _stream(held: bytes) -> Found | None:
    trials: tuple[Callable[[bytes], Found | None], ...] = (_frames, _witmotion, _lines)
    return next((found for trial in trials if (found := trial(held))), None)


def _frames(held: bytes) -> Found | None:
    """One frame whose length and CBOR are right is enough: no other bytes hold one by chance."""
    if b"\0" not in held:
        return None
    good = [frame for frame in decode.Decoder().push(held) if not isinstance(frame, Corrupt)]
    if not good:
        return None
    session = next((frame for frame in good if not isinstance(frame, Sample)), None)
    if session is None:
        return Found("frames", "binary IMU frames")
    rate = f"{session.channels} channels at {session.rate_hz} Hz"
    return Found(
        "frames", f"binary IMU frames of {session.name!r}, {rate}" if session.name else f"binary frames, {rate}"
    )


def _witmotion(held: bytes) -> Found | None:
    """Two packets that follow one another: one checksum is a byte, which a thousand packets of noise can guess."""
    at = held.find(ACC_HEAD)
    while at >= 0:
        if _packet(held, at, ACCELERATION) and _packet(held, at + PACKET, ANGULAR_RATE):
            return Found("witmotion", "WitMotion packets of acceleration and angular rate")
        at = held.find(ACC_HEAD, at + 1)
    at = held.find(COMBINED_HEAD)
    while at >= 0:
        later = (held[at + COMBINED_PACKET * packets :][:2] for packets in (1, 2))
        if all(head == COMBINED_HEAD for head in later):
            return Found("witmotion", "WitMotion packets of Bluetooth LE")
        at = held.find(COMBINED_HEAD, at + 1)
    return None


def _packet(held: bytes, at: int, kind: int) -> bool:
    packet = held[at : at + PACKET]
    return len(packet) == PACKET and packet[:2] == bytes([HEAD, kind]) and sum(packet[:-1]) & 0xFF == packet[-1]


def _lines(held: bytes) -> Found | None:
    """Two lines of six numbers in a row, both whole, or the first whole line after a broken one and its follower."""
    readings = [
        decoded
        for decoded in LinesDecoder().push(held)
        if isinstance(decoded, Readings) and len(decoded.values) >= LINES_NEEDED
    ]
    return Found("lines", "text lines of six numbers") if readings else None


def detect_message(data: bytes) -> Found | None:
    """Tell the format of one message, None where it is none that is known."""
    start = data.lstrip(BLANKS)[:1]
    if start == b"{":
        return _json(data)
    if data[:1] and data[0] >> 5 == CBOR_MAP:
        block = cbor_blocks.parse(data)
        if block is not None and "val" in block:
            return Found("cbor-block", "CBOR blocks of har-stream's own kind")
    return _frames(data) or _single_packet(data) or _text(data)


CBOR_MAP: Final = 5


def _json(data: bytes) -> Found | None:
    message = parse(data, MAPS)
    if message is None:
        return None
    if "samples" in message:
        return Found("json-block", "JSON blocks of har-stream's own kind")
    if "payload" in message:
        return Found("sensor-logger", "JSON of the app Sensor Logger")
    if {"values", "timestamp"} <= message.keys():
        return Found("sensor-server", "JSON of the app SensorServer")
    names = [name for name in message if meaning_of(name[:KEYS_SHOWN])]
    return Found("phyphox", f"JSON of the app phyphox with {', '.join(names)[:KEYS_SHOWN]}") if names else None


def _single_packet(data: bytes) -> Found | None:
    """Tell packets in a message, whose beginning and end make one of them as sure as two on a line."""
    if len(data) % COMBINED_PACKET == 0 and data.startswith(COMBINED_HEAD):
        return Found("witmotion", "WitMotion packets of Bluetooth LE")
    return _witmotion(data)


def _text(data: bytes) -> Found | None:
    decoded: list[Any] = LinesDecoder().push(data if data.endswith(b"\n") else data + b"\n")
    return Found("lines", "text lines of six numbers") if any(isinstance(one, Readings) for one in decoded) else None
