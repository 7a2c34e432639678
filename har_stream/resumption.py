"""Resumption: after a restart devices go on where they stood, if it was short.

The filters and windows of a stream that was interrupted begin anew. What the smoother believed does not: it ages by the
time from the last window before to the first one after, as beliefs do from hop to hop. The time in the activity goes on
where that first window's label is still the same. After more than RESUME_WITHIN_S, or where the device's clock was set
back, both begin anew.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from har_stream.devices import DeviceTable
from har_stream.lasting import Lasting
from har_stream.manifest import Manifest
from har_stream.samples import Rows
from har_stream.smoothing import NONE, Smoother
from har_stream.standings import END_S, LABEL, NUMBERS, RESUME_WITHIN_S, Standings


class Resumption:
    """Takes and gives how devices stand in the rows of a smoother and of what tells how long labels last."""

    def __init__(
        self, smoother: Smoother, lasting: Lasting, manifest: Manifest, devices: DeviceTable, *, rows: int
    ) -> None:
        self._smoother, self._lasting, self._devices = smoother, lasting, devices
        self._hop_s = manifest.framing.hop / manifest.framing.rate_hz
        self._length_s = manifest.framing.length_s
        self._labels, self._outputs = len(manifest.labels), manifest.outputs
        self._kept: dict[str, int] = {}
        self._numbers = np.zeros((0, NUMBERS + len(self._outputs)))
        self._until_s = -math.inf
        self._is_new = np.zeros(rows, np.bool_)
        """Whether a row's device has yet to have its first window; so it is with `new` of them."""
        self._new = 0
        self._place = np.full(rows, NONE)
        """Where it stands in `numbers`, NONE for nowhere."""

    def snapshot(self, *, now_s: float, wall_s: float) -> Standings:
        """Return how all devices stand that have had a window, at arrival time now_s, wall_s since the epoch."""
        places = self._devices.rows()
        heard_s = wall_s - now_s + np.array([self._devices.seen_s(row) for row in places])
        rows = np.array(places, np.intp)
        numbers = np.column_stack([heard_s, self._lasting.snapshot(rows), self._smoother.belief(rows)])
        names = tuple(self._devices.name(row) for row in places)
        return Standings(self._outputs, names, numbers).only(~np.isnan(numbers[:, END_S]))

    def offer(self, standings: Standings, now_s: float) -> None:
        """Take how devices stood, for those that come within RESUME_WITHIN_S of now_s."""
        if standings.outputs != self._outputs:
            return  # of another model, whose beliefs are about other things
        standings = standings.only(self._lawful(standings.numbers))
        self._kept = {device: place for place, device in enumerate(standings.devices)}
        self._numbers, self._until_s = standings.numbers, now_s + RESUME_WITHIN_S

    def _lawful(self, numbers: NDArray[np.float64]) -> NDArray[np.bool_]:
        belief, label = numbers[:, NUMBERS:], numbers[:, LABEL]
        sums = np.abs(belief.sum(axis=1) - 1) < 1e-6  # noqa: PLR2004 - but for what is lost in adding
        good = np.isfinite(numbers).all(axis=1) & (belief >= 0).all(axis=1) & sums
        return np.asarray(good & np.isin(label, np.arange(NONE, self._labels)))

    def begin(self, row: int, now_s: float) -> None:
        """Take a row as a new device's, which goes on where it stood if its first window allows that."""
        self._lasting.reset(row)
        if now_s > self._until_s:
            self._kept.clear()
        self._new += not self._is_new[row]
        self._is_new[row] = True
        self._place[row] = self._kept.pop(self._devices.name(row), NONE)

    def begins(self, rows: Rows, begins: NDArray[np.bool_], start_s: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Tell which of the windows (w,) that start at start_s begin anew, given those that no other one precedes."""
        if not (self._new and np.count_nonzero(self._is_new[rows])):
            return begins
        first = np.zeros(len(rows), np.bool_)
        first[np.unique(rows, return_index=True)[1]] = True
        first &= self._is_new[rows]
        self._is_new[rows] = False
        self._new -= int(np.count_nonzero(first))
        goes_on = np.flatnonzero(first & (self._place[rows] != NONE))
        goes_on = goes_on[self._take_up(rows[goes_on], start_s[goes_on] + self._length_s)]
        begins = begins | first
        begins[goes_on] = False
        return begins

    def _take_up(self, rows: Rows, end_s: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Let devices (d,) go on with windows that end at end_s, but for those where that is too long ago."""
        numbers = self._numbers[self._place[rows]]
        passed_s = end_s - numbers[:, END_S]
        short = (passed_s > 0) & (passed_s <= RESUME_WITHIN_S)
        rows, numbers = rows[short], numbers[short]
        hops = np.maximum(1, np.rint(passed_s[short] / self._hop_s)).astype(np.int64)
        self._smoother.resume(rows, numbers[:, NUMBERS:], hops)
        self._lasting.resume(rows, numbers[:, END_S:NUMBERS], end_s[short])
        return np.asarray(short)
