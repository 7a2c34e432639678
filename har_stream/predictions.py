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
        self._labels, self._name, self._has_truth = labels, name, has_truth
        self._length_s, self._hop_s = framing.length_s, framing.hop / framing.rate_hz
        self._settled_s = (framing.window - LAG * framing.hop) / framing.rate_hz

    def of(
        self,
        windows: FramedWindows,
        probabilities: NDArray[np.float32],
        smoothed: Smoothed,
        since_s: list[float],
    ) -> list[Prediction]:
        """Return the predictions of windows (w,) with probabilities (w, outputs), each since_s (w,) in force."""
        length_s = self._length_s
        probabilities = probabilities[:, : len(self._labels)]
        # As Python's own numbers, column by column: one by one they would cost more than all else here.
        columns = (
            windows.rows.tolist(),
            windows.start_s.tolist(),
            windows.truth.tolist(),
            self._has_truth.take(windows.rows).tolist(),
            probabilities.argmax(axis=1).tolist(),
            _rows_of_bytes(probabilities),
            smoothed.in_force.tolist(),
            smoothed.settled.tolist(),
            since_s,
        )
        return [
            Prediction(
                self._name(row),
                start_s,
                start_s + length_s,
                self._labels[raw],
                self._label(in_force),
                self._labels,
                shares,
                self._settled(start_s, settled),
                NAME_BY_CODE[truth],
                has_truth,
                since_s=label_s,
            )
            for row, start_s, truth, has_truth, raw, shares, in_force, settled, label_s in zip(*columns, strict=True)
        ]

    def _label(self, index: int) -> str:
        return UNKNOWN if index == NONE else self._labels[index]

    def _settled(self, start_s: float, index: int) -> Settled | None:
        """Return the last word on the half window LAG hops before the end of one that begins at start_s."""
        if index == NONE:
            return None
        end_s = start_s + self._settled_s
        return Settled(end_s - self._hop_s, end_s, self._labels[index])


def _rows_of_bytes(values: NDArray[np.float32]) -> list[bytes]:
    """Return the bytes of each row of values (n, m)."""
    whole, size = values.tobytes(), values.itemsize * values.shape[1]
    return [whole[at : at + size] for at in range(0, len(whole), size)]
