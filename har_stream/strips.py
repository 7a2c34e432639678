"""Memory in strips, one a device, of which pieces are copied as they lie: for all devices in one step."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from har_stream.samples import Rows


class Strips:
    """Memory for `length` items in a row for each of `rows` devices, which are put and got in pieces.

    A piece is one item to NumPy, which moves it as one; for that, pieces at all places are items of an array that
    overlap each other.
    """

    def __init__(self, rows: int, length: int, item_bytes: int) -> None:
        self._length, self._bytes = length, item_bytes
        self._memory = np.zeros(rows * length * item_bytes, np.uint8)
        self._pieces: dict[int, NDArray[np.void]] = {}

    def put(self, rows: Rows, at: NDArray[np.int64] | int, items: NDArray[Any]) -> None:
        """Put items (d, n, ...) at places (d,), or one place, of `rows`."""
        if items.size:
            pieces = self._of(items.nbytes // (self._bytes * len(rows)))
            pieces[rows * self._length + at] = np.ascontiguousarray(items).reshape(-1).view(pieces.dtype)

    def get(self, rows: Rows, at: NDArray[np.int64] | int, count: int) -> NDArray[np.void]:
        """Return a copy of `count` items (d,) from places (d,), or one place, of `rows`."""
        return np.asarray(self._of(count)[rows * self._length + at])

    def move(self, rows: Rows, at: int, count: int) -> None:
        """Move `count` items from a place of `rows` to the front."""
        pieces, front = self._of(count), rows * self._length
        pieces[front] = pieces[front + at]

    def _of(self, count: int) -> NDArray[np.void]:
        pieces = self._pieces.get(count)
        if pieces is None:
            places = len(self._memory) // self._bytes - count + 1
            kind = np.dtype((np.void, count * self._bytes))
            pieces = self._pieces[count] = np.ndarray((places,), kind, self._memory, strides=(self._bytes,))
        return pieces
