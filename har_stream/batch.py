"""What one tick brings, as arrays: blocks of equal length, a device a row, so that stages work on all at once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from har_stream.samples import Codes, Rows, SampleBlock, Samples


@dataclass(frozen=True, slots=True)
class Batch:
    """Blocks of d devices, n samples each.

    rows (d,) places in the stages' arrays; start_s (d,); values (d, n, 6) in g and rad/s; truth (d, n); missing
    (d,) how many samples the stream lacks before this block, NEW where it begins anew.
    """

    rows: Rows
    start_s: NDArray[np.float64]
    values: Samples
    truth: Codes
    missing: NDArray[np.int64]

    def only(self, chosen: NDArray[np.bool_]) -> Batch:
        """Return the devices that a mask (d,) chooses."""
        return Batch(
            self.rows[chosen],
            self.start_s[chosen],
            self.values[chosen],
            self.truth[chosen],
            self.missing[chosen],
        )

    def singles(self) -> Iterator[Batch]:
        """Yield each device as a batch of one."""
        for lane in range(len(self.rows)):
            yield self.only(np.arange(len(self.rows)) == lane)


NEW = -1


def stack(rows: list[int], blocks: list[SampleBlock]) -> Batch:
    """Join blocks of equal length; missing is 0 until the intake knows better."""
    samples = len(blocks[0].values)
    unlabelled = np.zeros(samples, np.uint8)
    return Batch(
        np.array(rows, np.intp),
        np.array([block.start_s for block in blocks]),
        np.stack([block.values for block in blocks]),
        np.stack([unlabelled if block.truth is None else block.truth for block in blocks]),
        np.zeros(len(rows), np.int64),
    )


def groups(blocks: Iterable[tuple[int, SampleBlock]]) -> Iterator[tuple[list[int], list[SampleBlock]]]:
    """Sort (row, block) pairs into groups of equal length with each device at most once, each device's in order."""
    for lap in _laps(blocks):
        by_length: defaultdict[int, list[tuple[int, SampleBlock]]] = defaultdict(list)
        for row, block in lap:
            by_length[len(block.values)].append((row, block))
        for members in by_length.values():
            yield [row for row, _ in members], [block for _, block in members]


def _laps(blocks: Iterable[tuple[int, SampleBlock]]) -> list[list[tuple[int, SampleBlock]]]:
    """Split pairs so that a row's first block is in the first lap, its second in the second."""
    laps: list[list[tuple[int, SampleBlock]]] = []
    seen: defaultdict[int, int] = defaultdict(int)
    for row, block in blocks:
        if seen[row] == len(laps):
            laps.append([])
        laps[seen[row]].append((row, block))
        seen[row] += 1
    return laps
