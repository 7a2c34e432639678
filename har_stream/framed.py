"""Windows with their times: what the classifier takes, whether cut here or ready-made."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from har_stream.activities import NAME_BY_CODE
from har_stream.samples import Codes, Rows, Samples, WindowBlock


@dataclass(slots=True)  # not frozen, which would cost more than some of its arrays, for each batch
class FramedWindows:
    """Windows of several devices, each device's in their order.

    rows (w,) tells the device; values (w, window, 9); start_s (w,) time of the first sample; begins (w,) marks
    the first window after a reset; truth (w,) the activity code of the window's last half, 0 for none.
    """

    rows: Rows
    values: Samples
    start_s: NDArray[np.float64]
    begins: NDArray[np.bool_]
    truth: Codes

    def only(self, chosen: NDArray[np.intp] | slice) -> FramedWindows:
        """Return the windows at the places that are chosen; those of a slice are not copied."""
        return FramedWindows(
            self.rows[chosen], self.values[chosen], self.start_s[chosen], self.begins[chosen], self.truth[chosen]
        )


def concatenate(parts: Sequence[FramedWindows]) -> FramedWindows:
    """Join windows one after the other."""
    if len(parts) == 1:
        return parts[0]
    columns = ([getattr(part, field.name) for part in parts] for field in fields(FramedWindows))
    return FramedWindows(*map(np.concatenate, columns))


def ready_made(row: int, block: WindowBlock, good: NDArray[np.bool_]) -> FramedWindows:
    """Take the good windows (w,) of a block as they are; what follows a bad one begins anew."""
    truth = np.zeros(len(good), np.uint8) if block.truth is None else block.truth
    after_good = np.concatenate([[True], good[:-1]])
    begins = ~(block.continues & after_good)
    return FramedWindows(
        np.full(int(good.sum()), row), block.values[good], block.start_s[good], begins[good], truth[good]
    )


def mean(windows: Samples) -> Samples:
    """Return the mean (w, channels) of each channel of windows (w, n, channels), the same bits whatever w is.

    A product for each window by itself, which takes a tenth of the time of NumPy's own mean along that axis.
    """
    return np.asarray(np.full(windows.shape[1], 1 / windows.shape[1], np.float32) @ windows)


def majority_of_last_half(truth: Codes) -> Codes:
    """Return the code (w,) that most samples of each window's last half carry; truth is (w, window).

    Of two with equal counts the one that stands at the window's end wins.
    """
    half = truth[:, truth.shape[1] // 2 :]
    if not np.count_nonzero(half):
        return half[:, -1]
    codes = np.arange(len(NAME_BY_CODE))
    votes = 2 * (half[:, :, np.newaxis] == codes).sum(axis=1) + (half[:, -1:] == codes)
    return np.asarray(votes.argmax(axis=1), np.uint8)
