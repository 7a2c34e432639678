"""Memory in strips, one a device, of which pieces are copied as they lie: for all devices in one step."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from har_stream.samples import Rows


class Strips:
    """Memory for `length` items of a kind and shape in a row for each of `rows` devices, put and got in pieces.

    A piece is one item to NumPy, which moves it as one; for that, pieces at all places are items of an array that
    overlap each other. A lone device's are slices, which cost less than to choose the one that is meant.
    """

    def __init__(self, rows: int, length: int, kind: DTypeLike, shape: tuple[int, ...] = ()) -> None:
        self._lines = np.zeros((rows, length, *shape), kind)
        self._length, self._bytes = length, self._lines[:1, :1].nbytes
        self._pieces: dict[int, NDArray[np.void]] = {}

    def put(self, rows: Rows, at: NDArray[np.int64], items: NDArray[Any]) -> None:
        """Put items (d, n, ...) at places (d,) of `rows`."""
        count = items.shape[1]
        if len(rows) == 1:
            begin = at.item()
            self._lines[rows.item(), begin : begin + count] = items[0]
        elif count:
            pieces = self._of(count)
            pieces[rows * self._length + at] = np.ascontiguousarray(items).reshape(-1).view(pieces.dtype)

    def get(self, rows: Rows, at: int, count: int) -> NDArray[Any]:
        """Return a copy of `count` items from a place of `rows`, (d, count, ...)."""
        if len(rows) == 1:
            row = rows.item()
            return self._lines[row : row + 1, at : at + count].copy()
        chosen = self._of(count)[rows * self._length + at]
        return chosen.view(self._lines.dtype).reshape(len(rows), count, *self._lines.shape[2:])

    def move(self, rows: Rows, at: int, count: int) -> None:
        """Move `count` items from a place of `rows` to the front."""
        if len(rows) == 1:
            line = self._lines[rows.item()]
            line[:count] = line[at : at + count]
        else:
            pieces, front = self._of(count), rows * self._length
            pieces[front] = pieces[front + at]

    def _of(self, count: int) -> NDArray[np.void]:
        pieces = self._pieces.get(count)
        if pieces is None:
            places = self._lines.nbytes // self._bytes - count + 1
            kind = np.dtype((np.void, count * self._bytes))
            pieces = self._pieces[count] = np.ndarray((places,), kind, self._lines, strides=(self._bytes,))
        return pieces
