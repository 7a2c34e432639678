"""Runs of several devices as flat arrays, one after the other, so that one operation serves all."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from har_stream.activities import UNLABELLED
from har_stream.ordering import Run, in_one, joined
from har_stream.samples import Codes, Rows, TimedBlock


@dataclass(slots=True)  # to freeze it would treble its cost, which is paid for each sample of a lone device
class Runs:
    """Runs of d devices: rows (d,), lengths (d,) in samples, and all samples (n,) in the order of the devices."""

    rows: Rows
    lengths: NDArray[np.int64]
    flat: Run
    starts: NDArray[np.int64] = field(init=False)
    """Where each run begins (d,)."""

    def __post_init__(self) -> None:
        self.starts = self.lengths.cumsum() - self.lengths

    @classmethod
    def of(cls, rows: Sequence[int], runs: Sequence[Run]) -> Runs:
        """Join a run of each device."""
        return cls(np.array(rows, np.intp), np.array([len(run.times_s) for run in runs]), joined(runs))

    @classmethod
    def of_blocks(cls, rows: Sequence[int], blocks: Collection[list[TimedBlock]]) -> Runs:
        """Join each row's blocks."""
        every = [block for some in blocks for block in some]
        lengths = np.array([len(block.times_s) for block in every])
        times_s = in_one([block.times_s for block in every])
        flat = Run(times_s, in_one([block.values for block in every]), _truth(every, len(times_s)))
        if len(every) > len(rows):
            several = np.array([len(some) for some in blocks])
            lengths = np.add.reduceat(lengths, several.cumsum() - several)
        return cls(np.array(rows, np.intp), lengths, flat)

    def one(self, lane: int) -> Run:
        """Return the run of one device."""
        start = int(self.starts[lane])
        return self.flat.only(slice(start, start + int(self.lengths[lane])))

    def only(self, chosen: NDArray[np.bool_]) -> Runs:
        """Return the devices that a mask (d,) chooses."""
        return Runs(self.rows[chosen], self.lengths[chosen], self.flat.only(chosen.repeat(self.lengths)))

    def until(self, stops: dict[int, int]) -> Runs:
        """Return of the devices at some places only the samples before a stop."""
        lengths = self.lengths.copy()
        lengths[list(stops)] = list(stops.values())
        nth = np.arange(len(self.flat.times_s)) - self.starts.repeat(self.lengths)
        return Runs(self.rows, lengths, self.flat.only(nth < lengths.repeat(self.lengths)))

    def after(self, last: Run) -> Runs:
        """Put one sample of each device, (d,) in all, before its run."""
        flat = self.flat
        if len(self.rows) == 1:
            return Runs(self.rows, self.lengths + 1, joined((last, flat)))
        columns = (last.times_s, flat.times_s), (last.values, flat.values), (last.truth, flat.truth)
        return Runs(self.rows, self.lengths + 1, Run(*(self._after(*pair) for pair in columns)))

    def _after(self, last: NDArray[Any], samples: NDArray[Any]) -> NDArray[Any]:
        if (self.lengths == self.lengths[0]).all():
            of_device = samples.reshape(len(last), self.lengths[0], *samples.shape[1:])
            return np.concatenate((last[:, np.newaxis], of_device), axis=1).reshape(-1, *samples.shape[1:])
        return np.insert(samples, self.starts, last, axis=0)


def _truth(blocks: Sequence[TimedBlock], samples: int) -> Codes:
    if all([block.truth is None for block in blocks]):  # noqa: C419 - a list is quicker
        return np.zeros(samples, np.uint8)  # UNLABELLED
    none = [np.full(block.samples, UNLABELLED, np.uint8) for block in blocks]
    return in_one([none[at] if block.truth is None else block.truth for at, block in enumerate(blocks)])
