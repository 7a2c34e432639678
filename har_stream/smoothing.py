"""Smoothing: a hidden Markov model over the classifier's probabilities, for many devices at once.

The hidden state is the activity during a window's last hop, or the postural transition, where the model tells these
apart too: who stood and sits has sat down in between, and a window that looks like standing alone does not end sitting.
States last dwell_s on average and follow each other as jump says, so for a hop of h seconds the transition matrix is
exp(h Q) with the rates Q of that process. A window speaks for state i with (p_i / prior_i) ** (evidence * hop /
window): windows overlap, and what two of them share must not count twice.

The label in force is the most probable activity of the forward filter, at once, or unknown where that is not sure, as
in a transition. The settled label is the most probable activity LAG hops back, given all windows up to now (fixed-lag
smoothing).
Source: Rabiner, A tutorial on hidden Markov models, Proc. IEEE 77:257-286, 1989.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from har_stream.batch import laps
from har_stream.manifest import Framing, Smoothing
from har_stream.samples import Rows

LAG: Final = 2
"""Hops until a label is settled. What is kept of the windows before spans as many, no more and no less."""

NONE: Final = -1
"""In place of a label's index: unknown, or not settled yet."""

FILTERED: Final = 0
EXPECTED: Final = 1
JOINT: Final = 2
"""Places of what is kept of the windows before."""

FLOOR: Final = 1e-6
"""Least probability that the classifier is taken to mean: none is so sure that others could never answer."""

STEPS: Final = 1024
"""exp(h Q) is taken as (1 + h Q / STEPS) ** STEPS."""


@dataclass(slots=True)  # not frozen, which would cost more than some of its arrays, for each batch
class Smoothed:
    """Indices of labels for w windows: in force (w,), settled LAG hops back (w,), NONE where there is none."""

    in_force: NDArray[np.int64]
    settled: NDArray[np.int64]


class Smoother:
    """Forward filter and fixed-lag smoother for `rows` devices; the first `labels` of its states are published."""

    def __init__(self, constants: Smoothing, framing: Framing, *, labels: int, rows: int) -> None:
        self._labels = labels
        prior, weight = np.array(constants.prior), constants.evidence * framing.hop / framing.window
        self._floor, self._weight = np.full(len(prior), FLOOR), weight
        self._transition = transition_matrix(constants, hop_s=framing.hop / framing.rate_hz)
        # prior**weight, which evidence is divided by, is the same for all windows: what evidence meets is divided once.
        self._onward = self._transition * prior**-weight
        self._first = prior * prior**-weight
        self._unknown_below = np.array([constants.unknown_below])
        # What the windows left filtered; what is expected of the next one, alone and (a row for each label) jointly
        # with what was LAG hops before it, both divided as above.
        self._past = np.ones((rows, JOINT + labels, len(prior)))
        self._unsettled_for = np.full(rows, LAG)
        """Windows that are still to come before there is a settled label."""
        self._deferred: tuple[Rows, NDArray[np.int64], tuple[NDArray[np.float64], ...]] | None = None

    def push(self, rows: Rows, begins: NDArray[np.bool_], probabilities: NDArray[np.float32]) -> Smoothed:
        """Take windows (w,) of devices in `rows`, each device's in order, with probabilities (w, states).

        begins (w,) marks the first window after a reset.
        """
        in_turn = laps(rows)
        if len(in_turn) == 1:
            return Smoothed(*self._step(rows, begins, probabilities))
        smoothed = Smoothed(np.empty(len(rows), np.int64), np.empty(len(rows), np.int64))
        for lap in in_turn:
            smoothed.in_force[lap], smoothed.settled[lap] = self._step(rows[lap], begins[lap], probabilities[lap])
        return smoothed

    def belief(self, rows: Rows) -> NDArray[np.float64]:
        """Return the probability (d, states) of each state after the last window of devices in `rows`."""
        self.settle()
        return np.asarray(self._past[rows, FILTERED])

    def resume(self, rows: Rows, belief: NDArray[np.float64], hops: NDArray[np.int64]) -> None:
        """Take what belief() gave (d, states) as that of the window `hops` (d,) before the next, 1 or more."""
        self.settle()
        for hop in range(1, int(hops.max(initial=1))):
            belief = np.where((hops > hop)[:, np.newaxis], _product(belief, self._transition), belief)
        self._past[rows, EXPECTED], self._past[rows, FILTERED] = _product(belief, self._onward), belief
        self._unsettled_for[rows] = LAG

    def _step(
        self, rows: Rows, begins: NDArray[np.bool_], probabilities: NDArray[np.float32]
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Take one window of each of several devices."""
        self.settle()
        past, unsettled_for = self._past.take(rows, axis=0), self._unsettled_for.take(rows)
        if np.count_nonzero(begins):
            unsettled_for[begins], past[begins, EXPECTED] = LAG, self._first
        evidence = np.maximum(probabilities, self._floor) ** self._weight
        # A product for each device by itself: the same bits, however many there are.
        told = past[:, EXPECTED:] @ evidence[:, :, np.newaxis]
        now = past[:, EXPECTED] * evidence
        now /= told[:, 0]  # the floor under the evidence keeps it above 0
        activities = now[:, : self._labels]
        in_force, settled = activities.argmax(axis=1), told[:, 1:, 0].argmax(axis=1)
        _blank(in_force, np.maximum.reduce(activities, axis=1) < self._unknown_below)
        _blank(settled, unsettled_for)
        self._deferred = rows, unsettled_for, (past, now, evidence)
        return in_force, settled

    def settle(self) -> None:
        """Do what push() left for later, as only a device's next window needs it; before that, it is done anyway."""
        if self._deferred is not None:
            (rows, unsettled_for, (past, now, evidence)), self._deferred = self._deferred, None
            before = past[:, FILTERED, : self._labels, np.newaxis]
            np.multiply(before * self._onward[: self._labels], evidence[:, np.newaxis], out=past[:, JOINT:])
            past[:, FILTERED] = past[:, EXPECTED] = now
            past[:, EXPECTED:] = past[:, EXPECTED:] @ self._onward
            self._past[rows], self._unsettled_for[rows] = past, np.maximum(unsettled_for - 1, 0)


def transition_matrix(constants: Smoothing, *, hop_s: float) -> NDArray[np.float64]:
    """Return the probability (states, states) that state j is on a hop after state i."""
    leave = 1 / np.array(constants.dwell_s)
    rates = leave[:, np.newaxis] * (np.array(constants.jump) - np.eye(len(leave)))
    return np.asarray(np.linalg.matrix_power(np.eye(len(leave)) + rates * hop_s / STEPS, STEPS))


def _blank(labels: NDArray[np.int64], where: NDArray[np.bool_] | NDArray[np.int64]) -> None:
    """Put NONE in place of labels (d,) where (d,) is not 0."""
    if np.count_nonzero(where):
        labels[where != 0] = NONE


def _product(vectors: NDArray[np.float64], matrix: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return vectors (d, k) @ matrix (k, k): one product for each vector, the same bits whatever d is."""
    return np.asarray((vectors[:, np.newaxis] @ matrix)[:, 0])
