"""Labelled windows from recordings, as UCI HAR cuts them, through the daemon's own preprocessing.

Windows begin at the first sample of each labelled span, overlap by half and stay inside the span. Rows are
sorted as UCI HAR sorts them: by subject, experiment, then by activity in the order of its protocol.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

import numpy as np

from har_stream.datasets import Hapt, Recording, Selection, UciHar, WindowTable, open_data_set
from har_stream.errors import InputError
from har_stream.manifest import CHANNELS, Filters, Framing
from har_stream.preprocessing import filter_recording
from training.own_recordings import own_recordings

PROTOCOL_ORDER: Final = (5, 4, 6, 1, 3, 2)
"""Standing, sitting, laying, walking, downstairs, upstairs: the order of UCI HAR's rows."""


def read_windows(path: Path, selection: Selection, filters: Filters, framing: Framing) -> WindowTable:
    """Return the labelled windows of a HAPT or UCI HAR data set, or of own recordings.

    UCI HAR's rows are taken as they are (experiment 0, start in the stitched stream). Raises InputError where
    the data set is faulty or holds values that are not finite.
    """
    own = own_recordings(path, selection, framing)
    if own is not None:
        return windows_of(own, filters, framing)
    data_set = open_data_set(path)
    if isinstance(data_set, UciHar):
        return _finite_windows(path, data_set.windows(selection))
    return windows_of(_finite_recordings(path, data_set, selection), filters, framing)


def read_recordings(path: Path, selection: Selection, framing: Framing) -> list[Recording]:
    """Return HAPT's recordings, or own ones; none for UCI HAR, which holds windows only.

    Raises InputError as read_windows() does.
    """
    own = own_recordings(path, selection, framing)
    if own is not None:
        return own
    data_set = open_data_set(path)
    return list(_finite_recordings(path, data_set, selection)) if isinstance(data_set, Hapt) else []


def _finite_windows(path: Path, table: WindowTable) -> WindowTable:
    """Return a table as it is. Raises InputError that names the first value that is not finite."""
    finite = np.isfinite(table.values)
    if not finite.all():
        row, _, channel = np.argwhere(~finite)[0]
        window = np.count_nonzero(table.subject[: row + 1] == table.subject[row])
        raise InputError(f"{path}: {CHANNELS[channel]}, volunteer {table.subject[row]}: window {window} is not finite")
    return table


def _finite_recordings(path: Path, data_set: Hapt, selection: Selection) -> Iterator[Recording]:
    """Yield recordings as they are. Raises InputError that names the first sample that is not finite."""
    for recording in data_set.recordings(selection):
        finite = np.isfinite(recording.values).all(axis=1)
        if not finite.all():
            raise InputError(f"{path}: {recording.device}: sample {int(np.argmin(finite)) + 1} is not finite")
        yield recording


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
