"""Event figures of a labelled stream: what kinds of mistakes stand between truth and answer, in time and number.

For each activity a stretch where it was told but not true is an insertion (no true moment in the told event), a
merge (between two true moments of one told event) or overfill (at a told event's edge); a stretch where it was
true but not told is a deletion (the true event was never told), a fragmentation (between two told moments of one
true event) or underfill (at its edge).
Source: Ward, Lukowicz, Gellersen, Performance metrics for activity recognition, ACM TIST 2(1), 2011.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

KINDS: Final = ("insertion", "merge", "overfill", "deletion", "fragmentation", "underfill")
Counts = dict[str, tuple[int, int]]
"""Of each kind: how many stretches, and how many samples they last."""


def event_counts(truth: NDArray[np.int64], told: NDArray[np.int64], classes: int) -> Counts:
    """Return the counts of each kind of mistake, summed over activities 0..classes-1; both arrays are (n,)."""
    counts = {kind: np.zeros(2, np.int64) for kind in KINDS}
    for activity in range(classes):
        is_true, is_told = truth == activity, told == activity
        _count(is_told, is_true & is_told, ("insertion", "merge", "overfill"), counts)
        _count(is_true, is_true & is_told, ("deletion", "fragmentation", "underfill"), counts)
    return {kind: (int(count[0]), int(count[1])) for kind, count in counts.items()}


def _count(
    events: NDArray[np.bool_],
    hits: NDArray[np.bool_],
    kinds: tuple[str, str, str],
    counts: dict[str, NDArray[np.int64]],
) -> None:
    """Sort what of each event is no hit into (no hit at all, between hits, at an edge)."""
    whole, between, edge = kinds
    for start, stop in runs(events):
        own = np.flatnonzero(hits[start:stop])
        for miss_start, miss_stop in runs(~hits[start:stop]):
            if not len(own):
                kind = whole
            elif own[0] < miss_start and own[-1] >= miss_stop:
                kind = between
            else:
                kind = edge
            counts[kind] += (1, miss_stop - miss_start)


def runs(mask: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Return (start, stop) of each stretch of True in a mask (n,), as an array (k, 2)."""
    return np.flatnonzero(np.diff(np.concatenate([[False], mask, [False]]))).reshape(-1, 2)
