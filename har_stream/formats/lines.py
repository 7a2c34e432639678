r"""Text lines over a serial port: six numbers each, separated by commas, tabs, semicolons or blanks.

    0.12,-0.05,9.81,0.01,0.02,-0.01\r\n      Edge Impulse data forwarder, Nordic's ASCII mode, LSM6DS examples
    a/g:\t-204\t1012\t16120\t-131\t7\t22\n   i2cdevlib's MPU6050 sketches
    ERR: sensor not found\n                  what a device says of itself

Neither times nor units are in a line. Seven or more columns are refused and not guessed at: whether the first is a
time, a counter or a third sensor, no line tells.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import ArrayLike

from har_stream.formats.format import CHANNELS, DEVICE_ERROR, LINE, Decoded, Readings, Refusal

LONGEST_LINE: Final = 1024
"""Bytes. A longer line is refused once and skipped up to its end."""

SEPARATORS: Final = bytes.maketrans(b",;\t", b"   ")
RAW_PREFIX: Final = b"a/g:"
ERROR_PREFIX: Final = b"ERR"


class LinesDecoder:
    """Cuts bytes into lines, and lines into numbers; holds at most LONGEST_LINE bytes of a line that has not ended."""

    def __init__(self) -> None:
        self._begun = b""
        self._skipping = False

    def push(self, data: bytes) -> list[Decoded]:
        """Take bytes, give the readings of the lines that they complete, in order."""
        *lines, begun = (self._begun + data).split(b"\n")
        decoded: list[Decoded] = []
        if lines and self._skipping:
            del lines[0]
            self._skipping = False
        if lines:
            decoded = readings_of(lines)
        if self._skipping:
            begun = b""
        elif len(begun) > LONGEST_LINE:
            decoded.append(Refusal(LINE))
            self._skipping, begun = True, b""
        self._begun = begun
        return decoded


def readings_of(lines: list[bytes]) -> list[Decoded]:
    """Give runs of good lines as one Readings each, and what stands between them as refusals."""
    decoded: list[Decoded] = []
    rows: list[list[float]] = []
    for line in lines:
        row = _row(line)
        if isinstance(row, list):
            rows.append(row)
        elif row is not None:
            _close(rows, decoded)
            rows = []
            _refuse(row, decoded)
    _close(rows, decoded)
    return decoded


def _row(line: bytes) -> list[float] | str | None:
    """Return a line's numbers, the reason why it has none, or None for an empty line."""
    if len(line) > LONGEST_LINE:
        return LINE
    words = line.translate(SEPARATORS).split()
    if not words:
        return None
    if words[0].startswith(ERROR_PREFIX):
        return DEVICE_ERROR
    if words[0].startswith(RAW_PREFIX):
        words[0] = words[0].removeprefix(RAW_PREFIX)
        words = words if words[0] else words[1:]
    if len(words) != CHANNELS or b"_" in line:  # float() takes 1_000 for a number
        return LINE
    try:
        return [float(word) for word in words]
    except ValueError:
        return LINE


def _close(rows: list[list[float]], decoded: list[Decoded]) -> None:
    if rows:
        decoded.append(Readings(np.array(rows)))


def _refuse(reason: str, decoded: list[Decoded]) -> None:
    """Put a refusal after what was decoded, joined with the one before it if that is for the same reason."""
    last = decoded[-1] if decoded else None
    if isinstance(last, Refusal) and last.reason == reason:
        decoded[-1] = Refusal(reason, last.count + 1)
    else:
        decoded.append(Refusal(reason))


def encode(values: ArrayLike, *, separator: str = ",", prefix: str = "") -> bytes:
    """Give samples (n, 6) in the device's units as lines that decode to the very same numbers."""
    rows = np.asarray(values, np.float64).reshape(-1, CHANNELS).tolist()
    return "".join(prefix + separator.join(map(repr, row)) + "\r\n" for row in rows).encode()
