"""Whole recordings of volunteers whom neither the network nor the smoother's constants have seen, as timelines."""

from __future__ import annotations

from har_stream.manifest import Framing
from training.judged import Judged, timelines_of
from training.smoothing_constants import estimate
from training.stream_scores import Timeline


def unseen_timelines(folds: list[list[Judged]], prior: tuple[float, ...], framing: Framing) -> list[Timeline]:
    """Return the timeline of each stream that is a whole recording.

    Each fold's streams are smoothed with constants (but the prior) estimated on the other folds alone.
    """
    timelines = []
    for number, held_out in enumerate(folds):
        constants = estimate([one for at, fold in enumerate(folds) if at != number for one in fold], prior, framing)
        timelines += timelines_of(held_out, constants, framing)
    return timelines
