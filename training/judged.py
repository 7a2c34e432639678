"""Streams with what a network that never saw their volunteer says of them, and their timelines under a smoother."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from har_stream.activities import ACTIVITIES
from har_stream.manifest import Framing, Smoothing
from har_stream.samples import Codes
from har_stream.smoothing import LAG, NONE, Smoothed, Smoother
from training.stream_scores import Timeline, Told, laid


@dataclass(frozen=True, slots=True)
class Judged:
    """One stream with the probabilities (w, outputs) of a network that was not trained on its volunteer.

    truth (w,) of each window's last half; samples (n,), that of the whole recording, where the stream is one.
    """

    probabilities: NDArray[np.float32]
    truth: Codes
    begins: NDArray[np.bool_]
    samples: Codes | None = None


def smoothed(judged: Sequence[Judged], constants: Smoothing, framing: Framing) -> Smoothed:
    """Return what the smoother makes of all streams, one after the other."""
    rows = np.repeat(np.arange(len(judged)), [len(stream.truth) for stream in judged])
    probabilities = np.concatenate([stream.probabilities for stream in judged])
    begins = np.concatenate([stream.begins for stream in judged])
    smoother = Smoother(constants, framing, labels=len(ACTIVITIES), rows=len(judged))
    return smoother.push(rows, begins, probabilities)


def timelines_of(judged: Sequence[Judged], constants: Smoothing, framing: Framing) -> list[Timeline]:
    """Return the timeline of each stream that is a whole recording, as the daemon would tell it."""
    whole = [stream for stream in judged if stream.samples is not None]
    if not whole:
        return []
    labels, at, timelines = smoothed(whole, constants, framing), 0, []
    for stream in whole:
        own = slice(at, at := at + len(stream.truth))
        words = _words(stream, Smoothed(labels.in_force[own], labels.settled[own]), framing)
        assert stream.samples is not None  # noqa: S101 - the comprehension above has seen to it
        timelines.append(laid(stream.samples, words, rate_hz=framing.rate_hz, hop=framing.hop))
    return timelines


def _words(stream: Judged, labels: Smoothed, framing: Framing) -> Iterator[Told]:
    """Yield what the daemon would tell at each window, as its pipeline places it."""
    raw = stream.probabilities[:, : len(ACTIVITIES)].argmax(axis=1)
    for number, (in_force, settled) in enumerate(zip(labels.in_force, labels.settled, strict=True)):
        end = number * framing.hop + framing.window
        last = end - LAG * framing.hop
        span = (last - framing.hop, last, int(settled)) if settled != NONE else None
        yield Told(end, int(raw[number]), int(in_force), span)
