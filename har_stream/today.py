"""What stands about each device now and today: for who looks at any moment, not at each label.

    engine thread: note -> Today -> since(mark), standing(device): any thread
    engine thread: snapshot, restore <-> Keeper

An activity's seconds are those of settled labels, by the day on which they were: what comes in a burst counts for the
time before it (har_stream.wall_clock), and a recording for the days that its own clock went through.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, tzinfo
from threading import Lock

import msgspec

from har_stream.activities import MOVING, RESTING
from har_stream.day_book import DayBook, local_date
from har_stream.keeper import Stateful
from har_stream.sample_rates import SampleRates
from har_stream.samples import Block, Prediction, Refused
from har_stream.segments import Spans
from har_stream.state import DeviceState, States


@dataclass(frozen=True, slots=True)
class Standing:
    """One device: the label in force, for how long (s, in its own clock), and what it did today (s by activity).

    moving is None where the activity does not tell; rate_hz is None until it is measured.
    """

    activity: str
    confidence: float
    seconds_in_activity: float
    seconds_today: dict[str, float]
    rate_hz: float | None

    @property
    def moving(self) -> bool | None:
        """Tell whether the body moves from place to place."""
        return True if self.activity in MOVING else False if self.activity in RESTING else None


@dataclass(slots=True)
class _Latest:
    activity: str
    confidence: float
    seconds: float
    mark: int


class Today:
    """The standings of the `limit` devices that were heard of last; zone None is the system's."""

    def __init__(self, *, limit: int, zone: tzinfo | None = None) -> None:
        self._limit, self._zone = limit, zone
        self._lock = Lock()
        self._book = DayBook(limit=limit, zone=zone)
        self._spans = Spans(limit=limit)
        self._rates = SampleRates(limit=limit)
        self._latest: dict[str, _Latest] = {}
        self._mark = 0

    def note(self, tick: Iterable[Block], predictions: Iterable[Prediction], *, now_s: float) -> None:
        """Take a tick's blocks and what they led to, each device's in order, with the wall_s of each.

        It arrived at now_s on the monotonic clock. Rates are those of devices that had a label.
        """
        with self._lock:
            for block in tick:
                if block.device in self._latest and not isinstance(block, Refused):
                    self._rates.note(block.device, block.samples, now_s)
            for prediction in predictions:
                self._note(prediction)
                for segment in self._spans.take(prediction):
                    self._book.add(segment)

    def since(self, mark: int) -> tuple[int, list[str]]:
        """Return a new mark, and the devices that had a label since an earlier one; 0 is the beginning."""
        with self._lock:
            news = []
            for device in reversed(self._latest):
                if self._latest[device].mark <= mark:
                    break
                news.append(device)
            return self._mark, news[::-1]

    def standing(self, device: str, wall_s: float) -> Standing | None:
        """Return how a device stands, None for one that is not known."""
        with self._lock:
            latest = self._latest.get(device)
            if latest is None:
                return None
            return Standing(
                latest.activity,
                latest.confidence,
                latest.seconds,
                dict(self._book.seconds(device, self.date(wall_s))),
                self._rates.rate_hz(device),
            )

    def date(self, wall_s: float) -> date:
        """Return the local date."""
        return local_date(wall_s, self._zone)

    def snapshot(self) -> States:
        """Return the days that were counted, as states of devices."""
        with self._lock:
            return {device: DeviceState(days=days) for device, days in self._book.snapshot().items()}

    def restore(self, states: States) -> None:
        """Take the days that an earlier run counted."""
        with self._lock:
            for device, state in states.items():
                self._book.restore(device, state.days)

    def _note(self, prediction: Prediction) -> None:
        self._latest.pop(prediction.device, None)
        self._mark += 1
        seconds = prediction.end_s - prediction.since_s
        self._latest[prediction.device] = _Latest(prediction.label, prediction.confidence, seconds, self._mark)
        while len(self._latest) > self._limit:
            del self._latest[next(iter(self._latest))]


class WithDays:
    """What the pipeline's references and today keep of each device, as one."""

    def __init__(self, references: Stateful, today: Today) -> None:
        self._references, self._today = references, today

    def snapshot(self) -> States:
        """Return a copy of all."""
        return with_days(self._references.snapshot(), self._today.snapshot())

    def restore(self, states: States) -> None:
        """Take the states of some devices."""
        self._references.restore(states)
        self._today.restore(states)


def with_days(states: States, days: States) -> States:
    """Return the states of devices with the days that were counted of them; who has days alone comes first."""
    only = {device: state for device, state in days.items() if device not in states}
    joined = {
        device: msgspec.structs.replace(state, days=days[device].days) if device in days else state
        for device, state in states.items()
    }
    return only | joined
