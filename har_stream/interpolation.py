"""Straight lines between samples, for several devices at once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from har_stream.runs import Runs
from har_stream.samples import Codes

NEARER = 0.5


@dataclass(frozen=True, slots=True)
class Interpolated:
    """Values (p, 6) and truth (p,) at p points.

    width_s (p,) is the time between the two samples around a point, 0 where it stands on a sample; taken (p,) how many
    of the device's samples lie at or before it.
    """

    values: NDArray[np.float64]
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
    flat, lengths, starts = runs.flat, runs.lengths, runs.starts
    # By each stream's origin: a point comes out the same bits wherever the stream was cut.
    elapsed_s = flat.times_s - origin_s.repeat(lengths)
    # All runs one after the other in ascending order, so that one search finds every point's samples.
    since_s = elapsed_s - elapsed_s[starts].repeat(lengths)
    apart_s = float(since_s.max()) + 1.0
    keys = since_s + np.arange(len(lengths)).repeat(lengths) * apart_s
    right = np.searchsorted(keys, at_s - elapsed_s[starts][lane] + lane * apart_s - near_s, side="left")
    on_sample = elapsed_s[right] - at_s <= near_s
    left = np.where(on_sample, right, right - 1)
    width_s = elapsed_s[right] - elapsed_s[left]
    share = np.divide(at_s - elapsed_s[left], width_s, out=np.ones(len(lane)), where=~on_sample)
    before, after = flat.values[left].astype(np.float64), flat.values[right]
    values = np.where(on_sample[:, np.newaxis], after, before + share[:, np.newaxis] * (after - before))
    truth = flat.truth[np.where(share >= NEARER, right, left)]
    return Interpolated(values, truth, width_s, right + on_sample - starts[lane])
