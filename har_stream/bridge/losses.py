"""What was lost on the way, told from the numbers that some formats give their samples."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any, Final

import msgspec
from cbor2 import CBORTag

from firmware_bridge import decode
from firmware_bridge.protocol import Corrupt, Frame, Sample, SessionInfo
from har_stream.formats import cbor_blocks
from har_stream.formats.format import CHANNELS
from har_stream.formats.json_text import parse

WRAP: Final = 2**32


class _Numbered(msgspec.Struct, frozen=True):
    samples: list[msgspec.Raw]
    seq: int | None = None


NUMBERED: Final = msgspec.json.Decoder(_Numbered)


class Losses:
    """Counts the holes between samples' numbers; lost is None where the format has no numbers."""

    def __init__(self) -> None:
        self.lost: int | None = None
        self._next: int | None = None
        self._session: int | None = None
        self._frames = decode.Decoder()

    def frames(self, data: bytes) -> list[Frame]:
        """Take bytes of a line that carries frames; give the frames, for who wants to see them."""
        found = self._frames.push(data)
        for frame in found:
            if isinstance(frame, SessionInfo) and frame.session_id != self._session:
                self._session, self._next = frame.session_id, None
            if isinstance(frame, Sample):
                self._note(frame.sequence, 1)
        return found

    def cbor_block(self, data: bytes) -> None:
        """Take a message of our own kind."""
        block = cbor_blocks.parse(data) or {}
        array, sequence = block.get("val"), block.get("seq")
        if type(array) is not CBORTag:
            return
        kind = cbor_blocks.TYPE_BY_TAG.get(array.tag)
        if kind is not None and type(array.value) is bytes and type(sequence) is int:
            self._note(sequence, len(array.value) // (kind.itemsize * CHANNELS))

    def json_block(self, data: bytes) -> None:
        """Take a message of our own kind in JSON."""
        block = parse(data, NUMBERED)
        if block is not None and block.seq is not None:
            self._note(block.seq, len(block.samples))

    def _note(self, sequence: int, samples: int) -> None:
        ahead = 0 if self._next is None else (sequence - self._next) % WRAP
        if ahead < WRAP // 2:
            self.lost = (self.lost or 0) + ahead
            self._next = (sequence + samples) % WRAP


def shown(frame: Frame) -> dict[str, Any]:
    """Return a frame as what is printed of it."""
    if isinstance(frame, Corrupt):
        return {"corrupt": frame.status.name, "bytes": frame.length}
    return {"session" if isinstance(frame, SessionInfo) else "sample": asdict(frame)}
