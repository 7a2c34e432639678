"""UCI HAR: windows of nine channels, filtered by its makers (UCI Machine Learning Repository 240).

{train,test}/Inertial Signals/{body_acc,body_gyro,total_acc}_{x,y,z}_{train,test}.txt hold a window of 128
values a row; y_*.txt the activity 1..6, subject_*.txt the volunteer. Windows overlap by half and stand in
order, so that rows of one volunteer whose halves are equal stitch back to the recording.
Source: Anguita et al., ESANN 2013, https://doi.org/10.24432/C54S4K
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from har_stream.activities import ACTIVITIES
from har_stream.datasets.files import Files
from har_stream.datasets.split import Selection
from har_stream.datasets.text_table import as_samples, parse_table
from har_stream.datasets.types import WindowTable
from har_stream.errors import InputError
from har_stream.manifest import CHANNELS

WINDOW = 128
HOP = 64
RATE_HZ = 50.0
LARGEST_SUBJECT = 999
PARTS = ("train", "test")


@dataclass(frozen=True, slots=True)
class UciHar:
    """A UCI HAR data set: its parts train and test."""

    LANDMARK: ClassVar = tuple(f"{part}/Inertial Signals/total_acc_x_{part}.txt" for part in PARTS)

    files: Files
    root: str

    @classmethod
    def find(cls, files: Files) -> str | None:
        """Return where in a folder or zip UCI HAR lies, None if it does not."""
        found = (files.find(landmark) for landmark in cls.LANDMARK)
        return next((root for root in found if root is not None), None)

    def windows(self, selection: Selection) -> WindowTable:
        """Read the chosen volunteers' windows, in the files' order. The split is that of the data set's folders.

        Raises InputError where a file is missing, damaged or not as UCI HAR has it.
        """
        parts = PARTS if selection.split == "all" else (selection.split,)
        tables = [self._part(part) for part in parts]
        values, codes, subject = (np.concatenate(column) for column in zip(*tables, strict=True))
        named = Selection("all", selection.subjects)
        chosen = np.isin(subject, named.of(set(subject.tolist()), str(self.files.path)))
        return _stitched(values[chosen], codes[chosen], subject[chosen])

    def _part(self, part: str) -> tuple[NDArray[np.float32], NDArray[np.uint8], NDArray[np.int16]]:
        codes = self._table(f"{part}/y_{part}.txt", 1)[:, 0]
        subject = self._table(f"{part}/subject_{part}.txt", 1)[:, 0]
        names = [f"{part}/Inertial Signals/{channel}_{part}.txt" for channel in CHANNELS]
        signals = [as_samples(self._table(name, WINDOW)) for name in names]
        lengths = {name: len(table) for name, table in zip(names, signals, strict=True)}
        lengths[f"{part}/subject_{part}.txt"] = len(subject)
        for name, rows in lengths.items():
            if rows != len(codes):
                raise InputError(f"{self.files.path}: {name} has {rows} rows, y_{part}.txt {len(codes)}")
        if not np.isin(codes, range(1, len(ACTIVITIES) + 1)).all():
            raise InputError(f"{self.files.path}: {part}/y_{part}.txt has labels that are not 1..{len(ACTIVITIES)}")
        if not np.isin(subject, range(1, LARGEST_SUBJECT + 1)).all():
            raise InputError(f"{self.files.path}: {part}/subject_{part}.txt has subjects that are not 1, 2, ...")
        return np.stack(signals, axis=-1), codes.astype(np.uint8), subject.astype(np.int16)

    def _table(self, name: str, columns: int) -> NDArray[np.float64]:
        data = self.files.read(self.root + name)
        return parse_table(data, columns=columns, where=f"{self.files.path}: {self.root}{name}")


def _stitched(values: NDArray[np.float32], codes: NDArray[np.uint8], subject: NDArray[np.int16]) -> WindowTable:
    """Find where windows follow each other by a hop, and give each volunteer's windows their places in time."""
    overlap = (values[1:, : WINDOW - HOP] == values[:-1, HOP:]).all(axis=(1, 2))
    continues = np.concatenate([[False], overlap & (subject[1:] == subject[:-1])])
    start = np.zeros(len(codes), np.int64)
    for person in np.unique(subject):
        own = np.flatnonzero(subject == person)
        start[own] = np.cumsum(np.where(continues[own], HOP, WINDOW)) - WINDOW
    return WindowTable(values, codes, subject, np.zeros_like(subject), start, continues)
