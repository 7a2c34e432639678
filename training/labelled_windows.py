"""Labelled windows from recordings, as UCI HAR cuts them, through the daemon's own preprocessing.

Windows begin at the first sample of each labelled span, overlap by half and stay inside the span. Rows are
sorted as UCI HAR sorts them: by subject, experiment, then by activity in the order of its protocol.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Final

import numpy as np

from har_stream.datasets import Hapt, Recording, Selection, UciHar, WindowTable, open_data_set
from har_stream.errors import InputError
from har_stream.manifest import Filters, Framing
from har_stream.preprocessing import filter_recording
from training.own_recordings import own_recordings

PROTOCOL_ORDER: Final = (5, 4, 6, 1, 3, 2)
"""Standing, sitting, laying, walking, downstairs, upstairs: the order of UCI HAR's rows."""


def read_windows(path: Path, selection: Selection, filters: Filters, framing: Framing) -> WindowTable:
    """Return the labelled windows of a HAPT or UCI HAR data set, or of own recordings.

    UCI HAR's rows are taken as they are (experiment 0, start in the stitched stream). Raises InputError where
    the data set is faulty or holds values that are not finite.
    """
    table = _windows(path, selection, filters, framing)
    if not np.isfinite(table.values).all():
        raise InputError(f"{path}: row {int(np.argmin(np.isfinite(table.values).all(axis=(1, 2))))} is not finite")
    return table


def _windows(path: Path, selection: Selection, filters: Filters, framing: Framing) -> WindowTable:
    own = own_recordings(path, selection, framing)
    if own is not None:
        return windows_of(own, filters, framing)
    data_set = open_data_set(path)
    if isinstance(data_set, UciHar):
        return data_set.windows(selection)
    return windows_of(data_set.recordings(selection), filters, framing)


def read_recordings(path: Path, selection: Selection, framing: Framing) -> list[Recording]:
    """Return HAPT's recordings, or own ones; none for UCI HAR, which holds windows only."""
    own = own_recordings(path, selection, framing)
    if own is not None:
        return own
    data_set = open_data_set(path)
    return list(data_set.recordings(selection)) if isinstance(data_set, Hapt) else []


def windows_of(recordings: Iterable[Recording], filters: Filters, framing: Framing) -> WindowTable:
    """Cut recordings into labelled windows. Raises InputError where there are none."""
    parts = [_windows_of_one(recording, filters, framing) for recording in recordings]
    parts = [part for part in parts if len(part.codes)]
    if not parts:
        raise InputError("no labelled span is as long as a window")
    columns = zip(*((p.values, p.codes, p.subject, p.experiment, p.start, p.continues) for p in parts), strict=True)
    return WindowTable(*map(np.concatenate, columns))


def _windows_of_one(recording: Recording, filters: Filters, framing: Framing) -> WindowTable:
    channels = filter_recording(recording.values, filters, rate_hz=framing.rate_hz)
    starts: list[int] = []
    codes: list[int] = []
    continues: list[bool] = []
    spans = [span for span in recording.spans if span.code in PROTOCOL_ORDER]
    for span in sorted(spans, key=lambda span: (PROTOCOL_ORDER.index(span.code), span.start)):
        inside = range(span.start, span.stop - framing.window + 1, framing.hop)
        starts += inside
        codes += [span.code] * len(inside)
        continues += [start != span.start for start in inside]
    count = len(starts)
    places = np.array(starts, np.int64)[:, np.newaxis] + np.arange(framing.window)
    return WindowTable(
        channels[places],
        np.array(codes, np.uint8),
        np.full(count, recording.subject, np.int16),
        np.full(count, recording.experiment, np.int16),
        np.array(starts, np.int64),
        np.array(continues, np.bool_),
    )
