"""The text of a recording, as read_recording takes it."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from har_stream.activities import NAME_BY_CODE
from har_stream.datasets.recording import HEADER, LABEL
from har_stream.samples import Codes, Samples

ROW: Final = "%r,%.9g,%.9g,%.9g,%.9g,%.9g,%.9g"
"""Nine digits tell any two float32 apart; repr tells any two float64 apart."""


def header_line(*, labelled: bool) -> bytes:
    """Return the first line."""
    return ",".join([*HEADER, LABEL] if labelled else HEADER).encode() + b"\n"


def sample_lines(times_s: NDArray[np.float64], values: Samples, truth: Codes | None) -> bytes:
    """Return a line for each of samples (n, 6) at times (n,); truth (n,) is None where there is no label column."""
    rows = list(map(ROW.__mod__, zip(times_s.tolist(), *values.T.tolist(), strict=True)))
    if truth is not None:
        rows = [f"{row},{NAME_BY_CODE[code] or ''}" for row, code in zip(rows, truth.tolist(), strict=True)]
    return "".join(f"{row}\n" for row in rows).encode()
