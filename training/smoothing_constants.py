"""The constants of the smoother, estimated on the training volunteers' streams.

Dwell times and jumps are counted in the truth; the weight of evidence is chosen on probabilities of networks
that never saw the volunteer (out of fold), for the sum of two accuracies: label in force and settled label.
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
JUMP_PSEUDO_COUNT: Final = 0.5


@dataclass(frozen=True, slots=True)
class Judged:
    """One stream with the probabilities (w, 6) of a network that was not trained on its volunteer."""

    probabilities: NDArray[np.float32]
    truth: Codes
    begins: NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class StreamAccuracy:
    """Shares of the windows with an activity as truth whose label is right."""

    raw: float
    in_force: float
    settled: float


def estimate(judged: list[Judged], prior: tuple[float, ...], framing: Framing) -> Smoothing:
    """Return the smoother's constants for streams of windows a hop apart."""
    dwell_s, jump = _dwell_and_jump([stream.truth for stream in judged], hop_s=framing.hop / framing.rate_hz)
    candidates = [Smoothing(dwell_s, jump, prior, evidence, UNSURE_BELOW) for evidence in EVIDENCE_GRID]

    def merit(constants: Smoothing) -> float:
        reached = accuracy(judged, constants, framing)
        return reached.in_force + reached.settled

    return max(candidates, key=merit)


def accuracy(judged: list[Judged], constants: Smoothing, framing: Framing) -> StreamAccuracy:
    """Return how often raw, in-force and settled labels are right over all streams."""
    return _shares([_tally(stream, constants, framing) for stream in judged])


def accuracy_across_folds(folds: list[list[Judged]], prior: tuple[float, ...], framing: Framing) -> StreamAccuracy:
    """As accuracy, each fold's streams smoothed with constants (but the prior) estimated on the other folds alone."""
    tallies = []
    for number, held_out in enumerate(folds):
        others = [stream for at, fold in enumerate(folds) if at != number for stream in fold]
        constants = estimate(others, prior, framing)
        tallies += [_tally(stream, constants, framing) for stream in held_out]
    return _shares(tallies)


def _tally(stream: Judged, constants: Smoothing, framing: Framing) -> NDArray[np.int64]:
    """Count (right, labelled) windows of one stream for raw, in-force and settled labels: (3, 2)."""
    smoother = Smoother(constants, framing, rows=1)
    smoothed = smoother.push(np.zeros(len(stream.truth), np.intp), stream.begins, stream.probabilities)
    truth = stream.truth.astype(np.int64) - 1
    counts = []
    # A settled label speaks of the window LAG before; the first after a reset say nothing yet.
    settled = np.append(smoothed.settled[LAG:], np.full(min(LAG, len(truth)), NONE))
    everything = np.ones(len(truth), np.bool_)
    kinds = ((stream.probabilities.argmax(axis=1), everything), (smoothed.in_force, everything))
    for told, spoken in (*kinds, (settled, settled != NONE)):
        counted = (truth >= 0) & (truth < len(ACTIVITIES)) & spoken
        counts.append(((told == truth)[counted].sum(), counted.sum()))
    return np.array(counts)


def _shares(tallies: list[NDArray[np.int64]]) -> StreamAccuracy:
    right, labelled = np.sum(tallies, axis=0).T
    return StreamAccuracy(*(right / np.maximum(labelled, 1)).round(5).tolist())


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
