"""What people say that they are really doing, while the stream runs: true labels of the samples that are recorded.

    page or command: say -> Annotations -> annotate: engine thread, before the pipeline and the recorder

What is said holds for the samples that arrive from then on, whatever waits in the queue before them, and until
something else is said. It ends by itself where nothing came from the device for LONGEST_SILENCE_S, for by then nobody
knows what the body does, and with the process. Samples that are given a label carry it as those of a labelled recording
do: to the recorder, and to their predictions.
"""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from threading import Lock
from typing import Final

import numpy as np

from har_stream.activities import ACTIVITIES, CODE_BY_NAME, UNLABELLED
from har_stream.arrivals import placeable
from har_stream.errors import ConfigError, HarStreamError, nearest
from har_stream.samples import Block, Refused, SampleBlock, Tick, TimedBlock, WindowBlock, singly

LONGEST_SILENCE_S: Final = 60.0
LONGEST_STEP_S: Final = 2.0
"""From block to block; what is longer is a gap, and no time that was gathered."""
MOST_WAITING: Final = 64
"""Labels of one device that may wait for the engine."""
NOT_RECORDED: Final = "nothing is being recorded: start har-stream with --record FOLDER"
READY_MADE: Final = "ready-made windows hold no raw samples: nothing of them is recorded"


class UnknownDeviceError(HarStreamError):
    """The stream has no such device now."""


class NotRecordedError(HarStreamError):
    """There is no recording that a label could stand beside."""


@dataclass(frozen=True, slots=True)
class Annotation:
    """What stands for a device: the activity that was said, None for none, and seconds gathered of each so far."""

    activity: str | None
    seconds: dict[str, float]


@dataclass(slots=True)
class _Annotated:
    """A device that somebody has labelled: (moment, code) in the order in which they were said, and what came of it.

    One that brings ready-made windows has a place too, so that it is known as such.
    """

    said: deque[tuple[float, int]] = field(default_factory=lambda: deque(maxlen=MOST_WAITING))
    heard_s: float = 0.0
    end_s: float = math.nan
    seconds: dict[str, float] = field(default_factory=dict)
    ready_made: bool = False


class Annotations:
    """True labels of at most `limit` devices, those that `knows` tells of.

    `refusal` tells why nothing is being recorded, "" where something is. Moments are those of `now`, the clock of
    arrivals.
    """

    def __init__(
        self,
        *,
        limit: int,
        knows: Callable[[str], bool],
        refusal: Callable[[], str],
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._limit, self._knows, self._refusal, self._now = limit, knows, refusal, now
        self._devices: dict[str, _Annotated] = {}
        self._lock = Lock()

    @property
    def refusal(self) -> str:
        """Why nothing is being recorded, "" where something is."""
        return self._refusal()

    def say(self, device: str, activity: str | None) -> None:
        """Take what a device's body really does from now on; None for nothing that is to be labelled.

        Raises ConfigError where that is no activity, UnknownDeviceError, NotRecordedError.
        """
        if activity is not None and activity not in ACTIVITIES:
            raise ConfigError(f"no activity {activity[:40]!r}{nearest(activity, ACTIVITIES)}")
        if why := self._refusal():
            raise NotRecordedError(why)
        if not self._knows(device):
            raise UnknownDeviceError(f"no device {device[:64]!r} in the stream now")
        with self._lock:
            one = self._devices.pop(device, None) or _Annotated()
            self._devices[device] = one  # behind those that were labelled before
            if one.ready_made:
                raise NotRecordedError(READY_MADE)
            now_s = self._now()
            _end_if_silent(one, now_s)  # before this counts as a sign of life: what waits must not be given what ended
            one.heard_s = now_s
            one.said.append((now_s, CODE_BY_NAME[activity] if activity is not None else UNLABELLED))
            while len(self._devices) > self._limit:
                del self._devices[next(iter(self._devices))]

    def standing(self) -> dict[str, Annotation]:
        """Return what stands for each device that was labelled, the one that was last labelled last."""
        with self._lock:
            now_s = self._now()
            for one in self._devices.values():
                _end_if_silent(one, now_s)
            return {name: _standing(one) for name, one in self._devices.items() if not one.ready_made}

    def annotate(self, tick: Tick, arrived_s: float) -> Tick:
        """Return a tick's blocks with the labels that stood when they arrived; NaN for now (engine thread)."""
        if not self._devices:
            return tick
        moment_s = self._now() if math.isnan(arrived_s) else arrived_s
        with self._lock:
            return [self._annotated(block, moment_s) for block in singly(tick)]

    def _annotated(self, block: Block, moment_s: float) -> Block:
        one = self._devices.get(block.device)
        if one is None or isinstance(block, Refused) or not block.samples:
            return block
        if isinstance(block, WindowBlock):
            self._devices[block.device] = _Annotated(ready_made=True)
            return block
        _end_if_silent(one, moment_s)
        code = _in_force(one, moment_s)
        one.heard_s = max(one.heard_s, moment_s)
        before_s, one.end_s = one.end_s, _end_s(block)
        if code == UNLABELLED:
            return block
        activity, step_s = ACTIVITIES[code - 1], one.end_s - before_s
        if 0 < step_s <= LONGEST_STEP_S:
            one.seconds[activity] = one.seconds.get(activity, 0.0) + step_s
        return replace(block, truth=np.full(block.samples, code, np.uint8))


def _end_if_silent(one: _Annotated, moment_s: float) -> None:
    """Forget what was said of a device that nothing had come from for long at a moment."""
    if moment_s - one.heard_s > LONGEST_SILENCE_S:
        one.said.clear()


def _in_force(one: _Annotated, moment_s: float) -> int:
    """Return the code that was said last by a moment, and forget those before it."""
    while len(one.said) > 1 and one.said[1][0] <= moment_s:
        one.said.popleft()
    return one.said[0][1] if one.said and one.said[0][0] <= moment_s else UNLABELLED


def _standing(one: _Annotated) -> Annotation:
    code = one.said[-1][1] if one.said else UNLABELLED
    return Annotation(ACTIVITIES[code - 1] if code else None, dict(one.seconds))


def _end_s(block: SampleBlock | TimedBlock) -> float:
    """Return when a block ends, by the device's clock; NaN where nothing lawful tells."""
    if isinstance(block, TimedBlock):
        return float(block.times_s[-1])
    return block.start_s + block.samples / block.rate_hz if placeable(block) else math.nan
