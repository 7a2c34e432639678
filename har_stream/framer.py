"""Samples at the model's rate to windows with their times, and the books on samples that wait for their first window.

UniformBatch -> preprocessing (filters, windows) -> FramedWindows
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from har_stream.accounting import Accounting
from har_stream.batch import places
from har_stream.bridging import UniformBatch
from har_stream.denoising import DELAY_SAMPLES
from har_stream.framed import FramedWindows, majority_of_last_half
from har_stream.manifest import Filters, Framing
from har_stream.preprocessing import Preprocessing
from har_stream.taps import Taps

Counts = int | NDArray[np.int64]
"""Of samples: one for all devices, or one for each (d,)."""


class Framer:
    """The preprocessing of `rows` devices, and where in its clock each device's stream is."""

    def __init__(self, filters: Filters, framing: Framing, taps: Taps, accounting: Accounting, *, rows: int) -> None:
        self._preprocessing = Preprocessing(filters, framing, rows=rows)
        self._framing, self._taps, self._accounting = framing, taps, accounting
        self._pushed = np.zeros(rows, np.int64)
        self._pending = np.zeros(rows, np.int64)

    @property
    def buffered(self) -> int:
        """Samples that wait for their first window."""
        return int(self._pending.sum())

    def forget(self, row: int) -> int:
        """Let go of what waits of a row, and return how many samples it was."""
        lost, self._pending[row] = int(self._pending[row]), 0
        return lost

    def push(self, uniform: UniformBatch) -> FramedWindows:
        """Filter and frame samples, and keep the books on them."""
        batch, rows = uniform.batch, uniform.batch.rows
        if np.count_nonzero(uniform.begins):
            self._begin(uniform)
        at = places(rows)
        samples = batch.values.shape[1]
        pushed = self._pushed[at] + samples
        self._pushed[at] = pushed
        windows = self._preprocessing.push(rows, batch.values, batch.truth)
        self._taps.take(rows, batch.start_s, uniform.begins, self._preprocessing.channels)
        self._accounting.bridge(uniform.bridged)
        self._settle_books(uniform, windows.lanes)
        lanes, rate_hz = windows.lanes, self._framing.rate_hz
        # Anchored anew by every block: a device's clock may be off the model's by what the intake lets pass.
        origin_s = batch.start_s[lanes] - (pushed[lanes] - samples) / rate_hz
        return FramedWindows(
            windows.rows,
            windows.values,
            origin_s + windows.start / rate_hz,
            windows.index == 0,
            majority_of_last_half(windows.truth),
        )

    def _begin(self, uniform: UniformBatch) -> None:
        """Let the streams that begin anew begin; what waited for a window gets none."""
        fresh = uniform.batch.only(uniform.begins)
        self._accounting.drop("gap", int(self._pending[fresh.rows].sum()))
        self._pending[fresh.rows] = 0
        self._pushed[fresh.rows] = 0
        self._preprocessing.reset(fresh.rows, fresh.values[:, 0])

    def _settle_books(self, uniform: UniformBatch, lanes: NDArray[np.intp]) -> None:
        """Count what came as waiting, and as used what the windows of some lanes took."""
        batch, rows = uniform.batch, uniform.batch.rows
        own: Counts = batch.values.shape[1] - uniform.bridged
        if batch.stands_for is not None:
            own = batch.stands_for[:, 0] if batch.stands_for.shape[1] == 1 else np.add.reduce(batch.stands_for, axis=1)
        at = places(rows)
        waiting = self._pending[at] + own
        self._pending[at] = waiting
        if not len(lanes):
            return
        self._pending[rows[lanes]] = self._tail_of(uniform, lanes, own)
        self._accounting.use(int(np.add.reduce(waiting - self._pending[at])))

    def _tail_of(self, uniform: UniformBatch, lanes: NDArray[np.intp], own: Counts) -> Counts:
        """Return how many of a device's own samples wait after its window, for each of some lanes."""
        batch = uniform.batch
        if batch.values.shape[1] <= DELAY_SAMPLES:  # they have not left the filters
            return own if isinstance(own, int) else own[lanes]
        tail = self._preprocessing.pending(batch.rows[lanes])
        if batch.stands_for is None:
            return np.minimum(tail, own)
        to_come = np.arange(batch.stands_for.shape[1], 0, -1)
        return np.asarray(batch.stands_for[lanes].sum(axis=1, where=to_come <= tail[:, np.newaxis]))
