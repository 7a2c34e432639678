"""HAPT: raw recordings of UCI HAR's volunteers (UCI Machine Learning Repository 341).

RawData/acc_expEE_userUU.txt and gyro_expEE_userUU.txt hold a sample a line at 50 Hz, in g and rad/s;
RawData/labels.txt says experiment, user, activity, first and last sample (1-based, both included).
Source: Reyes-Ortiz et al., Neurocomputing 171:754-767, 2016, https://doi.org/10.1016/j.neucom.2015.07.085
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar, Final

import numpy as np
from numpy.typing import NDArray

from har_stream.activities import NAME_BY_CODE, UNLABELLED
from har_stream.datasets.files import Files
from har_stream.datasets.split import Selection
from har_stream.datasets.text_table import as_samples, parse_table
from har_stream.datasets.types import LabelledSpan, Recording
from har_stream.errors import InputError
from har_stream.samples import Codes

RATE_HZ: Final = 50.0
LARGEST_NUMBER: Final = 2**31


@dataclass(frozen=True, slots=True)
class Hapt:
    """A HAPT data set, whole or in part."""

    LANDMARK: ClassVar = "RawData/labels.txt"

    files: Files
    root: str

    @classmethod
    def find(cls, files: Files) -> str | None:
        """Return where in a folder or zip HAPT lies, None if it does not."""
        return files.find(cls.LANDMARK)

    def recordings(self, selection: Selection) -> Iterator[Recording]:
        """Read the chosen volunteers' recordings, by subject and experiment.

        Raises InputError where a file is missing, damaged or not as HAPT has it.
        """
        labels = self._labels()
        for subject in selection.of(set(labels[:, 1].tolist()), str(self.files.path)):
            own = labels[labels[:, 1] == subject]
            for experiment in sorted(set(own[:, 0].tolist())):
                yield self._recording(experiment, subject, own[own[:, 0] == experiment][:, 2:])

    def _labels(self) -> NDArray[np.int64]:
        name = self.root + self.LANDMARK
        labels = parse_table(self.files.read(name), columns=5, where=f"{self.files.path}: {name}")
        _, _, code, first, last = labels.T
        whole = ((labels == np.trunc(labels)) & (labels >= 1) & (labels <= LARGEST_NUMBER)).all(axis=1)
        wrong = ~(whole & (code < len(NAME_BY_CODE)) & (first <= last))
        if wrong.any():
            row = np.flatnonzero(wrong)[0]
            raise InputError(f"{self.files.path}: {name} row {row + 1}: no activity 1..12 over samples first <= last")
        return labels.astype(np.int64)

    def _recording(self, experiment: int, subject: int, labels: NDArray[np.int64]) -> Recording:
        device = f"exp{experiment:02d}_user{subject:02d}"
        acc, gyro = (self._sensor(sensor, device) for sensor in ("acc", "gyro"))
        if len(acc) != len(gyro):
            raise InputError(f"{self.files.path}: {device} has {len(acc)} acc and {len(gyro)} gyro samples: incomplete")
        spans = tuple(LabelledSpan(int(code), int(first) - 1, int(last)) for code, first, last in labels)
        truth = self._truth(spans, len(acc), device)
        values = as_samples(np.hstack([acc, gyro]))
        return Recording(device, subject, experiment, RATE_HZ, 0.0, values, truth, spans)

    def _sensor(self, sensor: str, device: str) -> NDArray[np.float64]:
        name = f"{self.root}RawData/{sensor}_{device}.txt"
        return parse_table(self.files.read(name), columns=3, where=f"{self.files.path}: {name}")

    def _truth(self, spans: tuple[LabelledSpan, ...], samples: int, device: str) -> Codes:
        truth = np.full(samples, UNLABELLED, np.uint8)
        for span in spans:
            if span.stop > samples:
                raise InputError(f"{self.files.path}: {device} ends at sample {samples}, its labels at {span.stop}")
            truth[span.start : span.stop] = span.code
        return truth
