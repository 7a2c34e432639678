"""Recordings as the daemon sees them: a window every hop from the first sample on, whatever its label."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from har_stream.datasets import Recording, WindowTable
from har_stream.framed import majority_of_last_half
from har_stream.manifest import Filters, Framing, UprightConstants
from har_stream.preprocessing import Preprocessing
from har_stream.samples import Codes, Samples
from har_stream.upright import Upright


@dataclass(frozen=True, slots=True)
class Stream:
    """Consecutive windows of one recording: values (w, window, 9), truth (w,) of each window's last half.

    samples (n,) is the truth of the whole recording, where the stream is one.
    """

    subject: int
    values: Samples
    truth: Codes
    begins: NDArray[np.bool_]
    samples: Codes | None = None


def stream_of(recording: Recording, filters: Filters, framing: Framing) -> Stream:
    """Run a labelled recording through the daemon's preprocessing."""
    row = np.zeros(1, np.intp)
    preprocessing = Preprocessing(filters, framing, rows=1)
    preprocessing.reset(row, recording.values[np.newaxis, 0])
    truth = np.zeros(len(recording.values), np.uint8) if recording.truth is None else recording.truth
    windows = preprocessing.push(row, recording.values[np.newaxis], truth[np.newaxis])
    halves = majority_of_last_half(windows.truth)
    return Stream(recording.subject, windows.values, halves, windows.index == 0, truth)


def turned_as_learned(stream: Stream, walking: NDArray[np.float32], constants: UprightConstants) -> Samples:
    """Return a stream's windows in the upright frame that the stream itself teaches, each by what came before it.

    walking (w,) is how probably each window as it came is walking. (The daemon asks that of the turned window; the
    two answers differ little, and this way all windows can be classified at once.)
    """
    upright, row = Upright(constants, rows=1), np.zeros(1, np.intp)
    frames = []
    for at, probability in enumerate(walking):
        window = stream.values[at : at + 1]
        frames.append(upright.turn(row, window))
        upright.learn(row, window, np.asarray([probability], np.float32))
    return np.concatenate(frames)


def streams_of_table(table: WindowTable) -> list[Stream]:
    """Take each volunteer's rows of a table as a stream, for data sets that hold no recordings."""
    subjects = np.unique(table.subject).tolist()
    own = [table.rows(table.subject == subject) for subject in subjects]
    pairs = zip(subjects, own, strict=True)
    return [Stream(subject, rows.values, rows.codes, ~rows.continues) for subject, rows in pairs]
