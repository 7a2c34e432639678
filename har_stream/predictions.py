"""What the classifier and the smoother say, as the Predictions that sinks take."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from har_stream.activities import NAME_BY_CODE, UNKNOWN
from har_stream.framed import FramedWindows
from har_stream.manifest import Framing
from har_stream.samples import Prediction, Settled
from har_stream.smoothing import LAG, NONE, Smoothed


class Predictions:
    """Names for labels and rows: `name` gives the device of a row, `has_truth` (rows,) who carries labels."""

    def __init__(
        self, labels: tuple[str, ...], framing: Framing, name: Callable[[int], str], has_truth: NDArray[np.bool_]
    ) -> None:
        self._labels, self._framing, self._name, self._has_truth = labels, framing, name, has_truth

    def of(
        self, windows: FramedWindows, probabilities: NDArray[np.float32], smoothed: Smoothed, order: NDArray[np.intp]
    ) -> list[Prediction]:
        """Return the predictions of windows (w,) with probabilities (w, outputs), in an order of places."""
        probabilities = probabilities[:, : len(self._labels)]
        raw = probabilities.argmax(axis=1)
        return [
            Prediction(
                device=self._name(int(windows.rows[at])),
                start_s=float(windows.start_s[at]),
                end_s=float(windows.start_s[at]) + (self._framing.window - 1) / self._framing.rate_hz,
                raw=self._labels[raw[at]],
                label=self._label(smoothed.in_force[at]),
                probabilities=dict(zip(self._labels, probabilities[at].tolist(), strict=True)),
                settled=self._settled(float(windows.start_s[at]), smoothed.settled[at]),
                truth=NAME_BY_CODE[int(windows.truth[at])],
                has_truth=bool(self._has_truth[windows.rows[at]]),
            )
            for at in order
        ]

    def _label(self, index: int) -> str:
        return UNKNOWN if index == NONE else self._labels[index]

    def _settled(self, start_s: float, index: int) -> Settled | None:
        """Return the last word on the half window LAG hops before the end of one that begins at start_s."""
        if index == NONE:
            return None
        framing = self._framing
        end_s = start_s + (framing.window - LAG * framing.hop) / framing.rate_hz
        return Settled(end_s - framing.hop / framing.rate_hz, end_s, self._labels[index])
