"""Whole recordings of volunteers whom neither the network nor the smoother's constants have seen, as timelines."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from har_stream.manifest import Framing, Smoothing
from har_stream.smoothing import LAG, NONE, Smoother
from training.smoothing_constants import Judged, estimate
from training.stream_scores import Timeline, Told, laid


def unseen_timelines(folds: list[list[Judged]], prior: tuple[float, ...], framing: Framing) -> list[Timeline]:
    """Return the timeline of each stream that is a whole recording.

    Each fold's streams are smoothed with constants (but the prior) estimated on the other folds alone.
    """
    timelines = []
    for number, held_out in enumerate(folds):
        constants = estimate([one for at, fold in enumerate(folds) if at != number for one in fold], prior, framing)
        for stream in held_out:
            if stream.samples is not None:
                words = _told(stream, constants, framing)
                timelines.append(laid(stream.samples, words, rate_hz=framing.rate_hz, hop=framing.hop))
    return timelines


def _told(stream: Judged, constants: Smoothing, framing: Framing) -> Iterator[Told]:
    """Yield what the daemon would tell at each window, as its pipeline places it."""
    smoother = Smoother(constants, framing, rows=1)
    smoothed = smoother.push(np.zeros(len(stream.truth), np.intp), stream.begins, stream.probabilities)
    for number, raw in enumerate(stream.probabilities.argmax(axis=1).tolist()):
        end = number * framing.hop + framing.window
        last, label = end - LAG * framing.hop, int(smoothed.settled[number])
        settled = (last - framing.hop, last, label) if label != NONE else None
        yield Told(end, raw, int(smoothed.in_force[number]), settled)
