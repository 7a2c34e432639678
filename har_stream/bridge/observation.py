"""What can be said of one device from what it sends: counts, rates, losses, units.

No I/O; time comes in with the data.
"""

from __future__ import annotations

from collections import Counter, deque
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from har_stream.bridge.losses import Losses, shown
from har_stream.bridge.units import Norm, judged, norm_of
from har_stream.formats.format import Decoded, Readings, Refusal, SensorRows, Values
from har_stream.formats.reader import AUTO, LineReader, MessageReader, Reader
from har_stream.profiles import BY_FORMAT, Profile, Profiles

SPAN_S: Final = 10.0
"""Over which rates are measured."""

NORM_SAMPLES: Final = 100
"""The newest ones, of which it is seen whether the body is at rest."""

MOST_TIMES: Final = 4096
HOLE: Final = 1.5
"""Of the usual interval: a longer one has a sample missing and tells nothing of the rate."""

DIGITS: Final = 4


class Observation:
    """One serial line (stream) or one device's messages."""

    def __init__(
        self,
        device: str,
        profiles: Profiles,
        *,
        stream: bool,
        format_name: str = AUTO,
        profile_name: str = "",
    ) -> None:
        self.device, self._profiles, self._profile_name = device, profiles, profile_name
        self._stream = stream
        self._reader: Reader = LineReader(format_name) if stream else MessageReader(format_name)
        self._losses = Losses()
        self.samples = 0
        self._refused: Counter[str] = Counter()
        self._arrivals: deque[tuple[float, int]] = deque()
        self._times_s: deque[float] = deque(maxlen=MOST_TIMES)
        self._accelerations: deque[NDArray[np.floating[Any]]] = deque(maxlen=NORM_SAMPLES)
        self._rest: Norm | None = None
        self._acc_unit: str | None = None
        self._last: dict[str, list[float]] = {}
        self._without_gravity = False

    def push(self, data: bytes, arrival_s: float) -> list[dict[str, Any]]:
        """Take bytes of the line, or a message; give what is in them, one map a line to print."""
        before = self.samples
        decoded = self._reader.push(data)
        frames = self._number(data)
        for one in decoded:
            self._note(one)
        self._arrivals.append((arrival_s, self.samples - before))
        while self._arrivals[0][0] < arrival_s - SPAN_S:
            self._arrivals.popleft()
        if frames is not None:
            return [shown(frame) for frame in frames]
        return [line for one in decoded for line in _lines(one)]

    def profile(self) -> tuple[str, Profile]:
        """Return the profile that the daemon would take, with its name."""
        name = self._profile_name or self._profiles.name_of(self.device) or BY_FORMAT[self._reader.format or "lines"]
        return name, self._profiles.named(name)

    def facts(self, now_s: float) -> dict[str, Any]:
        """Return all that is known at a time of arrival (s)."""
        name, profile = self.profile()
        norm = self._norm()
        units, agrees = judged(norm, profile, self._acc_unit)
        if self._without_gravity:
            units, agrees = "acceleration comes without gravity: no posture can be told", False
        rate_hz = self._rate_by_times()
        return {
            "device": self.device,
            "format": self._reader.format,
            "found": self._reader.found,
            "profile": name if self._reader.format else None,
            "samples": self.samples,
            "samples_per_s": round(sum(count for at_s, count in self._arrivals if at_s > now_s - 1.0), 1),
            "hz": _rounded(self._rate_by_arrivals() if rate_hz is None else rate_hz),
            "hz_by": None
            if rate_hz is None and self._rate_by_arrivals() is None
            else "arrivals"
            if rate_hz is None
            else "device",
            "lost": self._losses.lost,
            "refused": dict(self._refused),
            "last": self._last,
            "acc_norm": None if norm is None else _rounded(norm.value),
            "at_rest": None if norm is None else norm.at_rest,
            "units": units,
            "units_agree": agrees,
        }

    def _number(self, data: bytes) -> Any:
        """Look for holes between samples' numbers; give the frames of a line that carries frames."""
        if self._stream and self._reader.format in (None, "frames"):
            frames = self._losses.frames(data)
            return frames if self._reader.format else None
        if self._reader.format == "frames":
            return self._losses.frames(data)
        if self._reader.format == "cbor-block":
            self._losses.cbor_block(data)
        elif self._reader.format == "json-block":
            self._losses.json_block(data)
        return None

    def _note(self, decoded: Decoded) -> None:
        if isinstance(decoded, Refusal):
            self._refused[decoded.reason] += decoded.count
        elif isinstance(decoded, SensorRows):
            self._note_rows(decoded)
        elif len(decoded.values):
            self._note_readings(decoded)

    def _note_readings(self, readings: Readings) -> None:
        count = len(readings.values)
        self.samples += count
        self._acc_unit = readings.acc_unit
        self._accelerations.extend(readings.values[-NORM_SAMPLES:, :3])
        self._last = {"acc": _numbers(readings.values[-1, :3]), "gyro": _numbers(readings.values[-1, 3:])}
        if readings.times_s is not None:
            self._times_s.extend(readings.times_s.tolist())
        elif readings.start_s is not None and readings.rate_hz:
            self._times_s.extend((readings.start_s + np.arange(count) / readings.rate_hz).tolist())

    def _note_rows(self, rows: SensorRows) -> None:
        if not len(rows.values):
            return
        self._last[rows.sensor] = _numbers(rows.values[-1])
        if rows.sensor in ("total_acc", "body_acc"):
            self.samples += len(rows.values)
            self._times_s.extend(rows.times_s.tolist())
        if rows.sensor in ("total_acc", "gravity"):
            self._accelerations.extend(rows.values[-NORM_SAMPLES:])
        self._without_gravity = "body_acc" in self._last and not {"total_acc", "gravity"} & self._last.keys()

    def _norm(self) -> Norm | None:
        """Return the newest norm at rest, else that of the newest samples."""
        norm = norm_of(np.array(self._accelerations)) if self._accelerations else None
        if norm is not None and norm.at_rest:
            self._rest = norm
        return self._rest or norm

    def _rate_by_times(self) -> float | None:
        steps_s = np.diff(np.array(self._times_s))
        steps_s = steps_s[steps_s > 0]
        if not len(steps_s):
            return None
        return float(1 / steps_s[steps_s <= HOLE * np.median(steps_s)].mean())

    def _rate_by_arrivals(self) -> float | None:
        if len(self._arrivals) < 2 or self._arrivals[-1][0] <= self._arrivals[0][0]:  # noqa: PLR2004 - two ends
            return None
        later = sum(count for _, count in list(self._arrivals)[1:])
        return later / (self._arrivals[-1][0] - self._arrivals[0][0])


def _lines(decoded: Decoded) -> list[dict[str, Any]]:
    if isinstance(decoded, Refusal):
        return [{"refused": decoded.reason, "count": decoded.count}]
    times_s = [None] * len(decoded.values) if decoded.times_s is None else decoded.times_s.tolist()
    if isinstance(decoded, Readings) and decoded.start_s is not None and decoded.rate_hz and decoded.times_s is None:
        times_s = (decoded.start_s + np.arange(len(decoded.values)) / decoded.rate_hz).tolist()
    name = decoded.sensor if isinstance(decoded, SensorRows) else "sample"
    return [{"t": at_s, name: row} for at_s, row in zip(times_s, decoded.values.tolist(), strict=True)]


def _numbers(row: Values) -> list[float]:
    return [round(value, DIGITS) for value in row.tolist()]


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 2)
