"""Settled labels as spans of wall time that join without short gaps. No I/O, no clock.

    predictions -> Spans -> a Segment for each settled label -> day book, history

A gap in the device's clock that is no longer than LONGEST_GAP_S goes on as what was there before it, as where a stream
began anew after a short loss; what is longer is no data.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import Final

from har_stream.lasting import LONGEST_GAP_S
from har_stream.samples import Prediction
from har_stream.smoothing import LAG

TOUCH_S: Final = 1e-3
"""Ends that are no farther apart are one."""


@dataclass(frozen=True, slots=True)
class Segment:
    """A device had one activity in [start_s, end_s), in s since the epoch; confidence is the mean probability of it."""

    device: str
    label: str
    start_s: float
    end_s: float
    confidence: float

    @property
    def seconds(self) -> float:
        """Return how long it lasted."""
        return self.end_s - self.start_s


@dataclass(slots=True)
class _Track:
    """A device: what its last windows said, and what was settled last."""

    windows: deque[Prediction] = field(default_factory=lambda: deque(maxlen=LAG + 1))
    last: Segment | None = None
    end_s: float = 0.0


class Spans:
    """Makes segments of settled labels, for the `limit` devices that were heard of last."""

    def __init__(self, *, limit: int) -> None:
        self._limit = limit
        self._tracks: dict[str, _Track] = {}

    def take(self, prediction: Prediction) -> list[Segment]:
        """Return what a prediction, with its wall_s, settles: at most a short gap before it, and its own span."""
        track = self._tracks.pop(prediction.device, None) or _Track()
        self._tracks[prediction.device] = track
        while len(self._tracks) > self._limit:
            del self._tracks[next(iter(self._tracks))]
        track.windows.append(prediction)
        return _settle(track, prediction)


def _settle(track: _Track, prediction: Prediction) -> list[Segment]:
    settled, last = prediction.settled, track.last
    if settled is None:
        return []
    end_s = prediction.wall_s - max(0.0, prediction.end_s - settled.end_s)
    start_s = end_s - (settled.end_s - settled.start_s)
    found: list[Segment] = []
    if last is not None and 0 <= settled.start_s - track.end_s + TOUCH_S <= LONGEST_GAP_S + TOUCH_S:
        if start_s - last.end_s > TOUCH_S:
            found.append(Segment(last.device, last.label, last.end_s, start_s, last.confidence))
        start_s = last.end_s if not found else start_s
    elif last is not None and 0 < last.end_s - start_s <= LONGEST_GAP_S:
        start_s = last.end_s
    if end_s > start_s:
        confidence = _confidence(track, settled.start_s, settled.label)
        found.append(Segment(prediction.device, settled.label, start_s, end_s, confidence))
        track.last = found[-1]
    track.end_s = settled.end_s
    return found


def _confidence(track: _Track, start_s: float, label: str) -> float:
    """Return the probability of a label in the window that a span beginning at start_s is the end of."""
    window = next((one for one in track.windows if one.end_s >= start_s), None)
    return 0.0 if window is None else window.probability(label)
