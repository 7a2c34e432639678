"""The constants of the smoother, estimated on the training volunteers' streams.

Dwell times and jumps are counted in the truth. The weight of evidence, and the probability below which the label in
force is unknown, are chosen on probabilities of networks that never saw the volunteer (out of fold), for the sum of
two accuracies: that of the settled label, and that of the label in force, for which unknown is right in a postural
transition (HAPT's classes 7 to 12) and wrong in an activity. On whole recordings they are shares of time, delays
included, less what false changes cost; on mere windows, shares of windows.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from har_stream.activities import ACTIVITIES
from har_stream.manifest import Framing, Smoothing
from har_stream.samples import Codes
from har_stream.smoothing import LAG, NONE
from training.judged import Judged, smoothed, timelines_of
from training.stream_scores import NOTHING, Timeline, false_changes

EVIDENCE_GRID: Final = (0.3, 0.5, 0.7, 1.0, 1.3, 1.6, 2.0, 2.5)
UNSURE_BELOW: Final = 0.5
"""A label that is less probable than all others together is published as unknown."""
UNSURE_GRID: Final = (0.3, 0.4, UNSURE_BELOW, 0.6, 0.7, 0.8)
JUMP_PSEUDO_COUNT: Final = 0.5
"""Of each change, before any is counted: people do what no protocol asks for."""
FALSE_CHANGE_S: Final = 12.0
"""A false change in force costs a subscriber as much as so many seconds of a wrong label: a flight of stairs."""


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
    whole = all(stream.samples is not None for stream in judged)
    truths = [stream.truth if stream.samples is None else stream.samples for stream in judged]
    step_s = (1 if whole else framing.hop) / framing.rate_hz
    dwell_s, jump = _dwell_and_jump(truths, states=len(prior), step_s=step_s)

    def best(candidates: list[Smoothing]) -> Smoothing:
        if whole:
            return max(candidates, key=lambda constants: _merit_in_time(timelines_of(judged, constants, framing)))
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


def _merit_in_time(timelines: list[Timeline]) -> float:
    """As _merit, by shares of time, less the time that false changes are worth."""
    labelled = sum(int((one.truth != NOTHING).sum()) for one in timelines)
    between = sum(int(one.between.sum()) for one in timelines)
    right = sum(int((one.in_force == one.truth)[(one.truth != NOTHING) | one.between].sum()) for one in timelines)
    settled = sum(int((one.settled == one.truth)[one.truth != NOTHING].sum()) for one in timelines)
    false_s = FALSE_CHANGE_S * sum(map(false_changes, timelines))
    labelled_s = sum(float((one.truth != NOTHING).sum()) / one.rate_hz for one in timelines)
    return right / max(labelled + between, 1) + settled / max(labelled, 1) - false_s / max(labelled_s, 1.0)


def _tally(judged: list[Judged], constants: Smoothing, framing: Framing) -> NDArray[np.int64]:
    """Count (right, asked) windows of all streams for each figure of StreamAccuracy: (6, 2)."""
    labels = smoothed(judged, constants, framing)
    rows = np.repeat(np.arange(len(judged)), [len(stream.truth) for stream in judged])
    raw = np.concatenate([stream.probabilities[:, : len(ACTIVITIES)].argmax(axis=1) for stream in judged])
    truth = np.concatenate([stream.truth for stream in judged]).astype(np.int64) - 1
    # A settled label speaks of the window LAG before; the first after a reset say nothing yet.
    settled = np.full(len(rows), NONE)
    earlier = np.flatnonzero(rows[LAG:] == rows[:-LAG])
    settled[earlier] = labels.settled[earlier + LAG]
    told, active, between = labels.in_force, (truth >= 0) & (truth < len(ACTIVITIES)), truth >= len(ACTIVITIES)
    right = told == np.where(between, NONE, truth)
    asked = {
        "raw": (raw == truth, active),
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


def _dwell_and_jump(
    truths: list[Codes], *, states: int, step_s: float
) -> tuple[tuple[float, ...], tuple[tuple[float, ...], ...]]:
    """Count how long each state lasts and what follows it, codes step_s apart; what is no state is passed over."""
    steps, visits = np.zeros(states), np.zeros(states)
    jumps = np.full((states, states), JUMP_PSEUDO_COUNT)
    for truth in truths:
        known = truth[(truth >= 1) & (truth <= states)].astype(np.int64) - 1
        changes = np.flatnonzero(np.diff(known))
        np.add.at(steps, known, 1)
        np.add.at(visits, np.concatenate([known[:1], known[changes + 1]]), 1)
        np.add.at(jumps, (known[changes], known[changes + 1]), 1)
    np.fill_diagonal(jumps, 0)
    jumps /= jumps.sum(axis=1, keepdims=True)
    dwell_s = np.maximum(steps, 1) / np.maximum(visits, 1) * step_s
    return tuple(dwell_s.round(2).tolist()), tuple(tuple(row) for row in jumps.round(4).tolist())
