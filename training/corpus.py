"""What there is to train on: the labelled windows as UCI HAR cuts them, and the recordings that they were cut from."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from har_stream.datasets import Recording, Selection, WindowTable
from har_stream.manifest import Filters, Framing
from har_stream.preprocessing import filter_recording
from har_stream.samples import Codes, Samples
from training.labelled_windows import read_recordings, read_windows


@dataclass(frozen=True, slots=True)
class Track:
    """One recording after the filters: channels (n, 9) and truth (n,), the activity code of each sample."""

    subject: int
    channels: Samples
    truth: Codes


@dataclass(frozen=True, slots=True)
class Corpus:
    """Labelled windows of several volunteers, and whole tracks of the same ones, where the data set has recordings."""

    table: WindowTable
    tracks: tuple[Track, ...] = ()

    def without(self, held_out: Collection[int]) -> Corpus:
        """Return what is of other volunteers than those."""
        inside = self.inside(held_out)
        return Corpus(self.table.rows(~inside), tuple(one for one in self.tracks if one.subject not in held_out))

    def inside(self, held_out: Collection[int]) -> NDArray[np.bool_]:
        """Return which windows (n,) are of those volunteers."""
        return np.isin(self.table.subject, list(held_out))


def read_corpus(path: Path, selection: Selection, filters: Filters, framing: Framing) -> tuple[Corpus, list[Recording]]:
    """Return what HAPT, UCI HAR or own recordings hold to train on, and the recordings. Raises InputError."""
    recordings = read_recordings(path, selection, framing)
    tracks = tuple(_track(one, filters, framing.rate_hz) for one in recordings)
    return Corpus(read_windows(path, selection, filters, framing), tracks), recordings


def _track(recording: Recording, filters: Filters, rate_hz: float) -> Track:
    truth = np.zeros(len(recording.values), np.uint8) if recording.truth is None else recording.truth
    return Track(recording.subject, filter_recording(recording.values, filters, rate_hz=rate_hz), truth)
