"""The constants of the smoother, estimated on the training volunteers' streams.

Dwell times and jumps are counted in the truth. The weight of evidence, and the probability below which the label in
force is unknown, are chosen on probabilities of networks that never saw the volunteer (out of fold), for the sum of
two accuracies: that of the settled label, and that of the label in force, for which unknown is right in a postural
transition (HAPT's classes 7 to 12) and wrong in an activity.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from har_stream.activities import ACTIVITIES
from har_stream.manifest import Framing, Smoothing
from har_stream.samples import Codes
from har_stream.smoothing import LAG, NONE, Smoother

EVIDENCE_GRID: Final = (0.3, 0.5, 0.7, 1.0, 1.3, 1.6, 2.0, 2.5)
UNSURE_BELOW: Final = 0.5
"""A label that is less probable than all others together is published as unknown."""
UNSURE_GRID: Final = (UNSURE_BELOW, 0.6, 0.7, 0.8, 0.9)
JUMP_PSEUDO_COUNT: Final = 0.5


@dataclass(frozen=True, slots=True)
class Judged:
    """One stream with the probabilities (w, 6) of a network that was not trained on its volunteer.

    truth (w,) of each window's last half; samples (n,), that of the whole recording, where the stream is one.
    """

    probabilities: NDArray[np.float32]
    truth: Codes
    begins: NDArray[np.bool_]
    samples: Codes | None = None


@dataclass(frozen=True, slots=True)
class StreamAccuracy:
    """Shares of the windows with an activity as truth whose label is right, and what unknown is worth.

    with_transitions counts windows in postural transitions too, for which unknown is right; coverage is the share of
    windows with an activity that get a label, transitions_unknown that of windows in transitions that get none.
    """

    raw: float
    in_force: float
    settled: float
    with_transitions: float
    coverage: float
    transitions_unknown: float


def estimate(judged: list[Judged], prior: tuple[float, ...], framing: Framing) -> Smoothing:
    """Return the smoother's constants for streams of windows a hop apart."""
    dwell_s, jump = _dwell_and_jump([stream.truth for stream in judged], hop_s=framing.hop / framing.rate_hz)

    def best(candidates: list[Smoothing]) -> Smoothing:
        return max(candidates, key=lambda constants: _merit(accuracy(judged, constants, framing)))

    sure = best([Smoothing(dwell_s, jump, prior, evidence, UNSURE_BELOW) for evidence in EVIDENCE_GRID])
    return best([Smoothing(dwell_s, jump, prior, sure.evidence, below) for below in UNSURE_GRID])


def accuracy(judged: list[Judged], constants: Smoothing, framing: Framing) -> StreamAccuracy:
    """Return how often raw, in-force and settled labels are right over all streams."""
    return _shares([_tally(judged, constants, framing)])


def accuracy_across_folds(folds: list[list[Judged]], prior: tuple[float, ...], framing: Framing) -> StreamAccuracy:
    """As accuracy, each fold's streams smoothed with constants (but the prior) estimated on the other folds alone."""
    tallies = []
    for number, held_out in enumerate(folds):
        others = [stream for at, fold in enumerate(folds) if at != number for stream in fold]
        tallies.append(_tally(held_out, estimate(others, prior, framing), framing))
    return _shares(tallies)


def _merit(reached: StreamAccuracy) -> float:
    return reached.with_transitions + reached.settled


def _tally(judged: list[Judged], constants: Smoothing, framing: Framing) -> NDArray[np.int64]:
    """Count (right, asked) windows of all streams for each figure of StreamAccuracy: (6, 2)."""
    rows = np.repeat(np.arange(len(judged)), [len(stream.truth) for stream in judged])
    probabilities = np.concatenate([stream.probabilities for stream in judged])
    begins = np.concatenate([stream.begins for stream in judged])
    smoothed = Smoother(constants, framing, rows=len(judged)).push(rows, begins, probabilities)
    truth = np.concatenate([stream.truth for stream in judged]).astype(np.int64) - 1
    # A settled label speaks of the window LAG before; the first after a reset say nothing yet.
    settled = np.full(len(rows), NONE)
    earlier = np.flatnonzero(rows[LAG:] == rows[:-LAG])
    settled[earlier] = smoothed.settled[earlier + LAG]
    told, active, between = smoothed.in_force, (truth >= 0) & (truth < len(ACTIVITIES)), truth >= len(ACTIVITIES)
    right = told == np.where(between, NONE, truth)
    asked = {
        "raw": (probabilities.argmax(axis=1) == truth, active),
        "in_force": (right, active),
        "settled": (settled == truth, active & (settled != NONE)),
        "with_transitions": (right, active | between),
        "coverage": (told != NONE, active),
        "transitions_unknown": (right, between),
    }
    return np.array([(hits[counted].sum(), counted.sum()) for hits, counted in asked.values()])


def _shares(tallies: list[NDArray[np.int64]]) -> StreamAccuracy:
    right, asked = np.sum(tallies, axis=0).T
    return StreamAccuracy(*(right / np.maximum(asked, 1)).round(5).tolist())


def _dwell_and_jump(truths: list[Codes], *, hop_s: float) -> tuple[tuple[float, ...], tuple[tuple[float, ...], ...]]:
    """Count how long each activity lasts and what follows it; what is no activity is passed over."""
    labels = len(ACTIVITIES)
    hops, visits = np.zeros(labels), np.zeros(labels)
    jumps = np.full((labels, labels), JUMP_PSEUDO_COUNT)
    for truth in truths:
        states = truth[(truth >= 1) & (truth <= labels)].astype(np.int64) - 1
        changes = np.flatnonzero(np.diff(states))
        np.add.at(hops, states, 1)
        np.add.at(visits, np.concatenate([states[:1], states[changes + 1]]), 1)
        np.add.at(jumps, (states[changes], states[changes + 1]), 1)
    np.fill_diagonal(jumps, 0)
    jumps /= jumps.sum(axis=1, keepdims=True)
    dwell_s = np.maximum(hops, 1) / np.maximum(visits, 1) * hop_s
    return tuple(dwell_s.round(2).tolist()), tuple(tuple(row) for row in jumps.round(4).tolist())
