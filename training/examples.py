"""What a network sees in an epoch: windows, and for each the shares of outputs that it should give.

Windows are a table's own, the same in each epoch; or they end anywhere in whole recordings, changes of activity and
postural transitions included, as a stream's windows do. Those of each epoch are drawn anew.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import msgspec
import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from har_stream.datasets import WindowTable
from har_stream.samples import Codes, Samples
from har_stream.upright import gravity_of, rotation_to_up
from training.augmentation import WALKING_CODE, Augmentation, Rotations, augmented, upright_rotations
from training.corpus import Corpus, Track

Targets = NDArray[np.float32]
LEAST_LABELLED: Final = 0.5
"""Share of a window's span that carries labels."""


class Sampling(msgspec.Struct, frozen=True):
    """How windows are drawn from recordings: how many an epoch, and which samples a window's target speaks of.

    Those are `span` samples, the last `ahead` of which come after the window's end: a network that is asked for what is
    beginning tells a change sooner, and no label is worse for it where changes lie in unlabelled time.
    """

    windows: int
    span: int
    ahead: int


@dataclass(frozen=True, slots=True)
class Ends:
    """Where in the tracks windows may end: place (m,) in all of them laid end to end, track (m,) and target (m, k)."""

    place: NDArray[np.int64]
    track: NDArray[np.intp]
    target: Targets


def epochs_of(
    corpus: Corpus,
    *,
    outputs: int,
    epochs: int,
    seed: int,
    augmentation: Augmentation | None,
    sampling: Sampling | None,
) -> Iterator[tuple[int, int, Samples, Targets]]:
    """Yield (first epoch, last epoch, windows (n, window, 9), targets (n, outputs)): all at once, or for each epoch.

    They are drawn from the tracks where `sampling` says how, else they are the table's.
    """
    generator = np.random.default_rng(seed)
    drawn = _drawn(corpus, outputs, sampling, generator) if sampling else _same(corpus.table, outputs)
    if augmentation is None and sampling is None:
        values, _, targets = next(drawn)
        yield 0, epochs, values, targets
        return
    for epoch in range(epochs):
        values, upright, targets = next(drawn)
        if augmentation is not None:
            values = augmented(values, upright, augmentation, generator)
        yield epoch, epoch + 1, values, targets


def _same(table: WindowTable, outputs: int) -> Iterator[tuple[Samples, Rotations, Targets]]:
    """Yield a table's windows, their upright rotations and their targets without end."""
    upright, targets = upright_rotations(table), np.eye(outputs, dtype=np.float32)[table.codes - 1]
    while True:
        yield table.values, upright, targets


def _drawn(
    corpus: Corpus, outputs: int, sampling: Sampling, generator: np.random.Generator
) -> Iterator[tuple[Samples, Rotations, Targets]]:
    """Yield (windows, their upright rotations, targets) without end."""
    window = corpus.table.values.shape[1]
    upright = np.stack([_upright_of(track) for track in corpus.tracks])
    ends = ends_of(corpus.tracks, window=window, outputs=outputs, sampling=sampling)
    # A view: window w holds the samples w .. w + window - 1 of all tracks laid end to end.
    windows = sliding_window_view(np.concatenate([track.channels for track in corpus.tracks]), window, axis=0)
    while True:
        chosen = generator.integers(0, len(ends.place), sampling.windows)
        values = windows[ends.place[chosen] - window].transpose(0, 2, 1)
        yield np.ascontiguousarray(values), upright[ends.track[chosen]], ends.target[chosen]


def ends_of(tracks: tuple[Track, ...], *, window: int, outputs: int, sampling: Sampling) -> Ends:
    """Return every end (one past a window's last sample) at which enough of the span carries labels."""
    places, of_track, targets, offset = [], [], [], 0
    for number, track in enumerate(tracks):
        shares = _shares(track.truth, outputs, sampling)[window:]
        labelled = shares.sum(axis=1)
        sure = np.flatnonzero(labelled >= LEAST_LABELLED)
        places.append(offset + window + sure)
        of_track.append(np.full(len(sure), number))
        targets.append(shares[sure] / labelled[sure, np.newaxis])
        offset += len(track.truth)
    return Ends(np.concatenate(places), np.concatenate(of_track), np.concatenate(targets).astype(np.float32))


def _shares(truth: Codes, outputs: int, sampling: Sampling) -> NDArray[np.float64]:
    """Return for each end 0..n the share (n + 1, outputs) of its span that carries each output's code."""
    hits = truth[:, np.newaxis] == np.arange(1, outputs + 1)
    counts = np.concatenate([np.zeros((1, outputs)), np.cumsum(hits, axis=0)])
    last = np.minimum(np.arange(len(counts)) + sampling.ahead, len(truth))
    return np.asarray((counts[last] - counts[np.maximum(last - sampling.span, 0)]) / sampling.span)


def _upright_of(track: Track) -> NDArray[np.float64]:
    """Return the rotation (3, 3) that makes gravity while walking point up; none where nobody walks."""
    walked = track.channels[track.truth == WALKING_CODE]
    if not len(walked):
        return np.eye(3)
    return np.asarray(rotation_to_up(gravity_of(walked[np.newaxis]))[0])
