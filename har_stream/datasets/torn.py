"""Text, gzipped or not, of which a crash may have torn off the end."""

from __future__ import annotations

import zlib
from pathlib import Path
from typing import Final

from har_stream.errors import InputError

GZIP_MAGIC: Final = b"\x1f\x8b"
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
    """Unpack gzip members one after the other; the last one may lack its end."""
    parts: list[bytes] = []
    at = 0
    while at < len(data):
        member = zlib.decompressobj(GZIP)
        while at < len(data) and not member.eof:
            chunk = data[at : at + CHUNK]
            parts.append(member.decompress(chunk))
            at += len(chunk) - len(member.unused_data)
        if not member.eof:
            text = b"".join(parts)
            return text[: text.rfind(b"\n") + 1], True
    return b"".join(parts), False
