"""Text, gzipped or not, of which a crash may have torn off the end."""

from __future__ import annotations

import zlib
from pathlib import Path
from typing import Final

from har_stream.errors import InputError

GZIP_MAGIC: Final = b"\x1f\x8b"
DEFLATED: Final = b"\x08"
GZIP: Final = 16 + zlib.MAX_WBITS
CHUNK: Final = 8192
"""Bytes unpacked at a time: small, since what follows a member is copied."""


def read_text(path: Path) -> tuple[bytes, bool]:
    """Return a file's text, unpacked, and whether its end is torn off; then it ends with its last whole line.

    Raises InputError where the file cannot be read or is damaged before its end.
    """
    try:
        data = path.read_bytes()
        return _unpacked(data) if data.startswith(GZIP_MAGIC) else (data, False)
    except OSError as error:
        raise InputError(f"{path}: {error.strerror or error}") from None
    except (zlib.error, ValueError):
        raise InputError(f"{path}: not a recording: neither whole gzip nor UTF-8 text") from None


def _unpacked(data: bytes) -> tuple[bytes, bool]:
    """Unpack gzip members one after the other; the last one may lack its end, or hold what a loss of power left."""
    parts: list[bytes] = []
    at, torn = 0, False
    while at < len(data) and not torn:
        try:
            text, at, whole = _member(data, at)
        except zlib.error:
            if not _is_ruined_tail(data, at):
                raise
            text, whole = b"", False
        parts.append(text)
        torn = not whole
    text = b"".join(parts)
    return (text[: text.rfind(b"\n") + 1], True) if torn else (text, False)


def _member(data: bytes, at: int) -> tuple[bytes, int, bool]:
    """Return a member's text, where the next one begins, and whether this one is whole."""
    member, parts = zlib.decompressobj(GZIP), []
    while at < len(data) and not member.eof:
        chunk = data[at : at + CHUNK]
        parts.append(member.decompress(chunk))
        at += len(chunk) - len(member.unused_data)
    return b"".join(parts), at, member.eof


def _is_ruined_tail(data: bytes, at: int) -> bool:
    """Tell whether what cannot be unpacked lies behind whole members and is zeros, or a member with none behind it."""
    last = data.startswith(GZIP_MAGIC, at) and data.find(GZIP_MAGIC + DEFLATED, at + 1) < 0
    return at > 0 and (last or not data[at:].strip(b"\0"))
