"""Bytes to readings with the format told from them: what stands between a source and the decoders."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Protocol

from har_stream.formats.cbor_blocks import CborBlocksDecoder
from har_stream.formats.cbor_layout import Layout
from har_stream.formats.detection import GARBAGE, HELD, Found, LineDetection, detect_message
from har_stream.formats.format import FORMAT, Decoded, Decoder, Readings, Refusal
from har_stream.formats.registry import DECODERS, MESSAGES

AUTO: Final = "auto"


class Reader(Protocol):
    """What a translator asks of either kind of reader."""

    format: str | None

    @property
    def found(self) -> str:
        """Return what to say of the bytes."""

    @property
    def layouts(self) -> Mapping[int, Layout | None]:
        """Return the layouts of messages that are known."""

    def push(self, data: bytes) -> list[Decoded]:
        """Take bytes of a line, or a message; give what they hold."""


NO_LAYOUTS: Final[Mapping[int, Layout | None]] = {}


class LineReader:
    """A serial line. found says what was found, or what is wrong where nothing was.

    Where the format was told from the bytes and no reading came for long, it is told anew: another device may have been
    plugged in.
    """

    def __init__(self, format_name: str = AUTO) -> None:
        self._auto = format_name == AUTO
        self.format: str | None = None if self._auto else format_name
        self._decoder: Decoder | None = None if self._auto else DECODERS[format_name]()
        self._detection = LineDetection()
        self._barren = 0
        self._refused = 0

    @property
    def found(self) -> str:
        """Return what to say of the line."""
        return self._found.what if self._found else self._detection.hint

    layouts = NO_LAYOUTS
    _found: Found | None = None

    def push(self, data: bytes) -> list[Decoded]:
        """Take bytes; give what they complete."""
        if self._decoder is None:
            return self._detect(data)
        decoded = self._decoder.push(data)
        good = bool(decoded) and (type(decoded[0]) is Readings or any(not isinstance(one, Refusal) for one in decoded))
        self._barren = 0 if good else self._barren + len(data)
        if self._auto and self._barren > GARBAGE:
            self.format, self._decoder, self._found = None, None, None
            self._detection, self._barren, self._refused = LineDetection(), 0, 0
        return decoded

    def _detect(self, data: bytes) -> list[Decoded]:
        found = self._detection.push(data)
        refused = self._detection.lost // HELD - self._refused
        self._refused += refused
        decoded: list[Decoded] = [Refusal(FORMAT, refused)] if refused else []
        if found:
            self._found, self.format, self._decoder = found, found.format, DECODERS[found.format]()
            decoded += self._decoder.push(self._detection.held)
            self._detection = LineDetection()
        return decoded


class MessageReader:
    """Messages of one device or topic. The format that the last one had is tried first."""

    def __init__(self, format_name: str = AUTO) -> None:
        self._auto = format_name == AUTO
        self.format: str | None = None if self._auto else format_name
        self._decoder: Decoder | None = None if self._auto else DECODERS[format_name]()
        self.found = ""

    @property
    def layouts(self) -> Mapping[int, Layout | None]:
        """Layouts of the messages that came, by their length: the reader's own mapping, which changes with them."""
        return self._decoder.layouts if isinstance(self._decoder, CborBlocksDecoder) else NO_LAYOUTS

    def push(self, data: bytes) -> list[Decoded]:
        """Take a message; give what it holds."""
        decoded = self._decoded(data)
        if decoded and not isinstance(decoded[0], Refusal):
            return decoded
        if self._auto and (decoded is None or all(isinstance(one, Refusal) for one in decoded)):
            found = detect_message(data)
            if found and found.format != self.format:
                self.format, self.found, self._decoder = found.format, found.what, DECODERS[found.format]()
                decoded = self._decoded(data)
        return [Refusal(FORMAT)] if decoded is None else decoded

    def _decoded(self, data: bytes) -> list[Decoded] | None:
        if self._decoder is None:
            return None
        if self.format == "lines" and not data.endswith(b"\n"):
            data += b"\n"  # a message's last line need not end as one
        return self._decoder.push(data)


def fits_line(format_name: str) -> bool:
    """Tell whether a serial line can carry a format."""
    return format_name not in MESSAGES
