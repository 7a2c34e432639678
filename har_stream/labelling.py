"""Labelling: the classifier's probabilities become labels, in force and settled, that have lasted for a time.

probabilities -> smoothing -> lasting        Resumption: where both stood before a restart
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from har_stream.devices import DeviceTable
from har_stream.framed import FramedWindows
from har_stream.lasting import Lasting
from har_stream.manifest import Manifest
from har_stream.resumption import Resumption
from har_stream.smoothing import Smoothed, Smoother


class Labelling:
    """Smoother and durations for `rows` devices; resumption gives and takes how they stand."""

    def __init__(self, manifest: Manifest, devices: DeviceTable, *, rows: int) -> None:
        self._length_s = manifest.framing.length_s
        self._smoother = Smoother(manifest.smoothing, manifest.framing, labels=len(manifest.labels), rows=rows)
        self._lasting = Lasting()
        self.resumption = Resumption(self._smoother, self._lasting, manifest, devices, rows=rows)

    def settle(self) -> None:
        """Do what push() left for later."""
        self._smoother.settle()

    def push(self, windows: FramedWindows, probabilities: NDArray[np.float32]) -> tuple[Smoothed, list[float]]:
        """Return the labels of windows (w,), and since when those in force are so (w,), in the devices' clocks."""
        rows, length_s = windows.rows, self._length_s
        begins = self.resumption.begins(rows, windows.begins, windows.start_s)
        smoothed = self._smoother.push(rows, begins, probabilities)
        end_s = [start_s + length_s for start_s in windows.start_s.tolist()]
        return smoothed, self._lasting.push(rows.tolist(), end_s, smoothed.in_force.tolist())
