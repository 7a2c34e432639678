"""Straight lines between samples, for several devices at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from har_stream.runs import Runs
from har_stream.samples import Codes, Samples

NEARER: Final = 0.5
AT_ONCE: Final = 1024
"""Points whose lines are drawn together: their arrays stay in the processor's caches, and the allocator has them."""


@dataclass(slots=True)  # to freeze it would treble its cost, which is paid for each sample of a lone device
class Interpolated:
    """Values (p, 6) and truth (p,) at p points.

    width_s (p,) is the time between the two samples around a point, 0 where it stands on a sample; taken (p,) how many
    of the device's samples lie at or before it.
    """

    values: NDArray[np.floating[Any]]
    truth: Codes
    width_s: NDArray[np.float64]
    taken: NDArray[np.int64]


def interpolate(
    runs: Runs,
    origin_s: NDArray[np.float64],
    lane: NDArray[np.intp],
    at_s: NDArray[np.float64],
    near_s: NDArray[np.float64],
) -> Interpolated:
    """Return what stands at points at_s (p,) after the origin_s (d,) of the run that lane (p,) names.

    Each point lies between samples of its run, or within near_s (p,) of one, whose value it then has to the bit.
    """
    flat, starts = runs.flat, runs.starts
    # By each stream's origin: a point comes out the same bits wherever the stream was cut.
    elapsed_s = flat.times_s - origin_s.repeat(runs.lengths)
    right = _not_before(elapsed_s, runs, lane, at_s - near_s)
    on_sample = elapsed_s[right] - at_s <= near_s
    taken = right + on_sample - starts[lane]
    if on_sample.all():
        return Interpolated(flat.values.take(right, axis=0), flat.truth[right], np.zeros(len(lane)), taken)
    left = right - ~on_sample
    before_s = elapsed_s[left]
    width_s = elapsed_s[right] - before_s
    share = np.divide(at_s - before_s, width_s, out=np.ones(len(lane)), where=~on_sample)
    values = _on_lines(flat.values, left, right, share)
    values[on_sample] = flat.values[right[on_sample]]
    truth = flat.truth[np.where(share >= NEARER, right, left)]
    return Interpolated(values, truth, width_s, taken)


def _on_lines(
    samples: Samples, left: NDArray[np.intp], right: NDArray[np.intp], share: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return what lies on the lines between samples (n, 6), so far from left to right as share (p,) tells."""
    values = np.empty((len(left), samples.shape[1]))
    for at in range(0, len(left), AT_ONCE):
        some = slice(at, at + AT_ONCE)
        before = samples.take(left[some], axis=0).astype(np.float64)
        rise = samples.take(right[some], axis=0) - before
        rise *= share[some, np.newaxis]
        np.add(before, rise, out=values[some])
    return values


def _not_before(
    elapsed_s: NDArray[np.float64], runs: Runs, lane: NDArray[np.intp], at_s: NDArray[np.float64]
) -> NDArray[np.intp]:
    """Return where the first sample of each point's run lies that is not before at_s (p,)."""
    if len(runs.rows) == 1:
        return elapsed_s.searchsorted(at_s)
    # All runs one after the other in ascending order, so that one search finds every point's samples.
    first_s, last_s = elapsed_s[runs.starts], elapsed_s[runs.starts + runs.lengths - 1]
    apart_s = float((last_s - first_s).max()) + 1.0
    first_s -= np.arange(len(first_s)) * apart_s
    return (elapsed_s - first_s.repeat(runs.lengths)).searchsorted(at_s - first_s[lane])
