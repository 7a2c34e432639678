"""One device's sensors, each with its own times, to samples at the accelerometer's times.

    acceleration rows --+
    gravity rows ------(+)--> total acceleration --+--> TimedBlock (n, 6)
    gyroscope rows ------- linearly between -------+

What a row of acceleration becomes is in the books: in a block, or refused. Rows of the other sensors are no samples.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from har_stream.formats.format import Sensor, Values
from har_stream.samples import Block, Refused, TimedBlock

HORIZON_S: Final = 0.2
"""How long rows wait for others that may come out of order. Apps send every 0.1 to 0.2 s, so one message may overtake
another; a longer wait would only delay labels."""

BRIDGE_S: Final = 0.2
"""The longest hole of the gyroscope (or of gravity) that is interpolated over."""

PATIENCE_S: Final = 2.0
"""How much acceleration waits for a gyroscope that is silent."""

REWIND_S: Final = 2.0
"""Rows older than the newest of their sensor by more mean that the clock was set back: all begins anew."""

MOST_ROWS: Final = 1024
"""Of a sensor, whatever its times say."""

REPEATED: Final = "repeated"
LATE: Final = "late"
UNALIGNED: Final = "unaligned"
NO_GYRO: Final = "no_gyro"

Rows = tuple[Sensor, NDArray[np.float64], Values]
"""A sensor, its times (n,) in s, its values (n, 3) in g or rad/s."""


class Alignment:
    """The rows of one device that wait for one another; at most MOST_ROWS of each sensor.

    Total acceleration goes before body acceleration and gravity where a device sends all.
    """

    def __init__(self, device: str) -> None:
        self._device = device
        self._lead: Sensor | None = None
        self._begin()

    def _begin(self) -> None:
        self._rows: dict[Sensor, _Waiting] = {name: _Waiting() for name in ("total_acc", "body_acc", "gravity", "gyro")}
        self._newest_s: dict[Sensor, float] = {}
        self._out_s = -np.inf

    @property
    def waiting(self) -> int:
        """Number of acceleration rows that are not out yet."""
        return len(self._rows[self._lead].times_s) if self._lead else 0

    def push(self, rows: Sequence[Rows]) -> list[Block]:
        """Take what came together, give the samples that are complete and what is refused."""
        refused: Counter[str] = Counter()
        rows = [one for one in rows if len(one[1])]
        for sensor, times_s, _ in rows:
            self._follow(sensor, times_s, refused)
        for sensor, times_s, values in rows:
            if sensor == self._lead:
                self._add_samples(times_s, values, refused)
            elif not sensor.endswith("_acc"):
                self._rows[sensor].add(times_s, values)
        blocks = self._settle(refused) if self._lead else []
        self._trim()
        return blocks + self._told(refused)

    def flush(self) -> list[Block]:
        """Give what is complete and refuse the rest: nothing more comes."""
        refused: Counter[str] = Counter()
        blocks = self._give(self.waiting, refused) if self._lead else []
        self._begin()
        return blocks + self._told(refused)

    def _told(self, refused: Counter[str]) -> list[Block]:
        return [Refused(self._device, reason, count) for reason, count in refused.items() if count]

    def _follow(self, sensor: Sensor, times_s: NDArray[np.float64], refused: Counter[str]) -> None:
        """Note how far a sensor's time has come; choose the acceleration to go by."""
        newest_s = float(times_s.max())
        if newest_s < self._newest_s.get(sensor, -np.inf) - REWIND_S:
            refused[UNALIGNED] += self.waiting
            self._begin()
        self._newest_s[sensor] = max(newest_s, self._newest_s.get(sensor, -np.inf))
        total_s = self._newest_s.get("total_acc", -np.inf)
        if (
            sensor.endswith("_acc")
            and sensor != self._lead
            and (sensor == "total_acc" or newest_s > total_s + PATIENCE_S)
        ):
            refused[UNALIGNED] += self.waiting
            if self._lead:
                self._rows[self._lead] = _Waiting()
            self._lead = sensor

    def _add_samples(self, times_s: NDArray[np.float64], values: Values, refused: Counter[str]) -> None:
        assert self._lead is not None  # noqa: S101 - for mypy: the caller has looked
        fresh = times_s > self._out_s
        refused[LATE] += len(times_s) - int(fresh.sum())
        refused[REPEATED] += self._rows[self._lead].add(times_s[fresh], values[fresh])

    def _settle(self, refused: Counter[str]) -> list[Block]:
        """Give the samples up to which every sensor has come, and refuse what has waited too long."""
        assert self._lead is not None  # noqa: S101 - for mypy: the caller has looked
        lead, newest_s = self._rows[self._lead], self._newest_s.get(self._lead, -np.inf)
        heard_s = min(newest_s, *(self._newest_s.get(sensor, -np.inf) for sensor in self._others()))
        blocks = self._give(lead.until(heard_s - HORIZON_S), refused)
        overdue = max(lead.until(newest_s - PATIENCE_S), len(lead.times_s) - MOST_ROWS)
        if overdue > 0:
            refused[UNALIGNED if "gyro" in self._newest_s else NO_GYRO] += overdue
            self._out_s = float(lead.drop(overdue)[0][-1])
        return blocks

    def _others(self) -> tuple[Sensor, ...]:
        return ("gyro",) if self._lead == "total_acc" else ("gyro", "gravity")

    def _give(self, count: int, refused: Counter[str]) -> list[Block]:
        """Take the oldest `count` rows out; give those that the other sensors cover."""
        if count <= 0 or self._lead is None:
            return []
        times_s, values = self._rows[self._lead].drop(count)
        self._out_s = float(times_s[-1])
        rate, covered = self._rows["gyro"].at(times_s)
        if self._lead == "body_acc":
            gravity, with_gravity = self._rows["gravity"].at(times_s)
            values, covered = values + gravity, covered & with_gravity
        refused[UNALIGNED if "gyro" in self._newest_s else NO_GYRO] += count - int(covered.sum())
        if not covered.any():
            return []
        samples = np.hstack([values, rate])[covered].astype(np.float32)
        return [TimedBlock(self._device, times_s[covered], samples)]

    def _trim(self) -> None:
        """Forget rows of the other sensors that no acceleration to come can need."""
        for held in (self._rows["gyro"], self._rows["gravity"]):
            oldest_s = max(self._out_s, float(held.times_s[-1]) - PATIENCE_S) if len(held.times_s) else 0.0
            old = max(held.until(oldest_s - BRIDGE_S), len(held.times_s) - MOST_ROWS)
            if old > 0:
                held.drop(old)


class _Waiting:
    """Rows of one sensor in the order of their times, no time twice."""

    def __init__(self) -> None:
        self.times_s: NDArray[np.float64] = np.empty(0)
        self._values: Values = np.empty((0, 3))

    def add(self, times_s: NDArray[np.float64], values: Values) -> int:
        """Put rows where they belong; return how many were there already."""
        joined_s, joined = np.concatenate([self.times_s, times_s]), np.concatenate([self._values, values])
        order = np.argsort(joined_s, kind="stable")
        joined_s = joined_s[order]
        first = np.diff(joined_s, prepend=-np.inf) > 0
        self.times_s, self._values = joined_s[first], joined[order[first]]
        return len(first) - int(first.sum())

    def until(self, time_s: float) -> int:
        """Return the number of rows up to a time."""
        return int(np.searchsorted(self.times_s, time_s, "right"))

    def drop(self, count: int) -> tuple[NDArray[np.float64], Values]:
        """Take the oldest rows out."""
        taken = self.times_s[:count], self._values[:count]
        # A view would keep all that ever came.
        self.times_s, self._values = self.times_s[count:].copy(), self._values[count:].copy()
        return taken

    def at(self, times_s: NDArray[np.float64]) -> tuple[Values, NDArray[np.bool_]]:
        """Return the values (n, 3) linearly between rows at given times, and where rows are near enough for that."""
        if not len(self.times_s):
            return np.zeros((len(times_s), 3)), np.zeros(len(times_s), np.bool_)
        after = np.clip(np.searchsorted(self.times_s, times_s), 0, len(self.times_s) - 1)
        before = np.maximum(after - 1, 0)
        exact = self.times_s[after] == times_s
        inside = (self.times_s[before] <= times_s) & (times_s <= self.times_s[after])
        covered = exact | (inside & (self.times_s[after] - self.times_s[before] <= BRIDGE_S))
        values = np.column_stack([np.interp(times_s, self.times_s, axis) for axis in self._values.T])
        return values, covered
