"""Samples with times of their own put in order: runs whose times increase, without a gap inside.

What is not newer than the last sample is refused: "repeated" where it has the same time, else "late". Different
samples with one time (a clock of coarse ticks, a burst stamped once) are spread over the time since the sample before
them. Where the clock was set back, and after a gap, a run begins anew.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from har_stream.samples import Codes, Samples

Refuse = Callable[[str, int], None]

SEARCHED: Final = 256
"""Samples that are searched at a time for a clock set back: what a clock that always jumps costs stays linear."""


@dataclass(slots=True)  # to freeze it would treble its cost, which is paid for each sample of a lone device
class Run:
    """Samples of one device: times_s (n,), values (n, 6), truth (n,)."""

    times_s: NDArray[np.float64]
    values: Samples
    truth: Codes

    def only(self, chosen: Any) -> Run:
        """Return the samples that a mask, slice or index chooses."""
        return Run(self.times_s[chosen], self.values[chosen], self.truth[chosen])

    def at(self, times_s: NDArray[np.float64]) -> Run:
        """Return the same samples at other times."""
        return Run(times_s, self.values, self.truth)


def joined(runs: Sequence[Run]) -> Run:
    """Join runs one after the other."""
    return Run(
        in_one([run.times_s for run in runs]), in_one([run.values for run in runs]), in_one([run.truth for run in runs])
    )


def in_one(arrays: Sequence[NDArray[Any]]) -> NDArray[Any]:
    """Join arrays one after the other; one alone is not copied."""
    return arrays[0] if len(arrays) == 1 else np.concatenate(arrays)


def in_order(run: Run, last_s: float, *, limit_s: float, rewind_s: float, refuse: Refuse) -> Iterator[tuple[bool, Run]]:
    """Yield the runs without a gap that a device's new samples make; True with those that begin anew.

    last_s is the time of the sample before them, NaN where there is none; limit_s the longest step from sample to
    sample that is no gap; a clock behind by more than rewind_s was set back.
    """
    for part in split_where_set_back(run, last_s, rewind_s):
        if not part.times_s[0] >= last_s - rewind_s:
            last_s = np.nan
        ordered = _newer(part.only(np.argsort(part.times_s, kind="stable")), last_s, refuse)
        ordered = _spread(_without_repeats(ordered, refuse), last_s, refuse)
        if not len(ordered.times_s):
            continue
        steps = np.diff(ordered.times_s, prepend=last_s)
        edges = np.flatnonzero(steps > limit_s)  # the first step is NaN, and no gap, where there is no sample before
        for start, stop in zip([0, *edges], [*edges, len(steps)], strict=True):
            if stop > start:
                yield bool(start in edges or (start == 0 and np.isnan(last_s))), ordered.only(slice(start, stop))
        last_s = float(ordered.times_s[-1])


def split_where_set_back(run: Run, last_s: float, rewind_s: float) -> Iterator[Run]:
    """Yield the parts between which the clock was set back."""
    start, stop, samples = 0, 0, len(run.times_s)
    while stop < samples:
        ahead = run.times_s[stop : stop + SEARCHED]
        newest = np.fmax.accumulate(np.concatenate([[last_s], ahead]))
        behind = ahead < newest[:-1] - rewind_s
        last_s = float(newest[-1])
        if not behind.any():
            stop += len(ahead)
            continue
        stop += int(behind.argmax())
        if stop > start:
            yield run.only(slice(start, stop))
        start, last_s = stop, np.nan
    if stop > start:
        yield run.only(slice(start, stop))


def _newer(run: Run, last_s: float, refuse: Refuse) -> Run:
    """Refuse what is not newer than the last sample."""
    old = run.times_s <= last_s
    if not old.any():
        return run
    repeated = int((run.times_s[old] == last_s).sum())
    for reason, count in (("repeated", repeated), ("late", int(old.sum()) - repeated)):
        if count:
            refuse(reason, count)
    return run.only(~old)


def _without_repeats(run: Run, refuse: Refuse) -> Run:
    """Refuse what equals the sample before it in time and values."""
    same = (np.diff(run.times_s, prepend=np.nan) == 0) & np.concatenate(
        [np.zeros(min(1, len(run.values)), np.bool_), (run.values[1:] == run.values[:-1]).all(axis=1)]
    )
    if same.any():
        refuse("repeated", int(same.sum()))
        return run.only(~same)
    return run


def _spread(run: Run, last_s: float, refuse: Refuse) -> Run:
    """Give samples of one time times of their own, the last of them that time."""
    ticks, counts = np.unique(run.times_s, return_counts=True)
    if len(ticks) == len(run.times_s):
        return run
    before = np.concatenate([[last_s], ticks[:-1]])
    if np.isnan(before[0]):
        before[0] = ticks[0] - (ticks[1] - ticks[0] if len(ticks) > 1 else 0.0)
    nth = np.arange(len(run.times_s)) - np.repeat(np.cumsum(counts) - counts, counts) + 1
    share = nth / np.repeat(counts, counts)
    step = np.repeat(ticks - before, counts)
    spread = np.repeat(ticks, counts) - step * (1 - share)
    # Where nothing tells how long a burst took, only its last sample can be placed.
    placed = np.diff(spread, append=np.inf) > 0
    if not placed.all():
        refuse("repeated", int((~placed).sum()))
    return run.at(spread).only(placed)
