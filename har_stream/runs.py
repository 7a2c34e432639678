"""Runs of several devices as flat arrays, one after the other, so that one operation serves all."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from har_stream.activities import UNLABELLED
from har_stream.ordering import Run
from har_stream.samples import Rows, TimedBlock


@dataclass(frozen=True, slots=True)
class Runs:
    """Runs of d devices: rows (d,), lengths (d,) in samples, and all samples (n,) in the order of the devices."""

    rows: Rows
    lengths: NDArray[np.int64]
    flat: Run

    @classmethod
    def of(cls, row: int, run: Run) -> Runs:
        """Return the run of one device."""
        return cls(np.array([row]), np.array([len(run.times_s)]), run)

    @classmethod
    def of_blocks(cls, blocks: dict[int, list[TimedBlock]]) -> Runs:
        """Join each row's blocks."""
        lengths = [sum(len(block.times_s) for block in some) for some in blocks.values()]
        every = [block for some in blocks.values() for block in some]
        truth = np.full(sum(lengths), UNLABELLED, np.uint8)
        if any(block.truth is not None for block in every):
            truths = [
                np.full(block.samples, UNLABELLED, np.uint8) if block.truth is None else block.truth for block in every
            ]
            truth = np.concatenate(truths)
        times_s = np.concatenate([block.times_s for block in every])
        values = np.concatenate([block.values for block in every])
        return cls(np.array(list(blocks), np.intp), np.array(lengths), Run(times_s, values, truth))

    @property
    def starts(self) -> NDArray[np.int64]:
        """Where each run begins (d,)."""
        return self.lengths.cumsum() - self.lengths

    @property
    def ends(self) -> NDArray[np.int64]:
        """Where the last sample of each run lies (d,)."""
        return self.lengths.cumsum() - 1

    def one(self, lane: int) -> Run:
        """Return the run of one device."""
        start = int(self.lengths[:lane].sum())
        return self.flat.only(slice(start, start + int(self.lengths[lane])))

    def only(self, chosen: NDArray[np.bool_]) -> Runs:
        """Return the devices that a mask (d,) chooses."""
        if chosen.all():
            return self
        samples = np.repeat(chosen, self.lengths)
        return Runs(self.rows[chosen], self.lengths[chosen], self.flat.only(samples))

    def until(self, stops: dict[int, int]) -> Runs:
        """Return of the devices at some places only the samples before a stop."""
        lengths = self.lengths.copy()
        lengths[list(stops)] = list(stops.values())
        nth = np.arange(len(self.flat.times_s)) - np.repeat(self.starts, self.lengths)
        return Runs(self.rows, lengths, self.flat.only(nth < np.repeat(lengths, self.lengths)))

    def after(self, last: Run) -> Runs:
        """Put one sample of each device, (d,) in all, before its run."""
        first = self.starts + np.arange(len(self.rows))
        others = np.ones(len(self.flat.times_s) + len(first), np.bool_)
        others[first] = False

        def merged(before: NDArray[Any], samples: NDArray[Any]) -> NDArray[Any]:
            both = np.empty((len(others), *samples.shape[1:]), samples.dtype)
            both[first], both[others] = before, samples
            return both

        flat = self.flat
        columns = (last.times_s, flat.times_s), (last.values, flat.values), (last.truth, flat.truth)
        return Runs(self.rows, self.lengths + 1, Run(*(merged(*pair) for pair in columns)))
