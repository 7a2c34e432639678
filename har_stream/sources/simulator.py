"""sim: - people who never tire, with known truth: a stream without a sensor.

    sim:?devices=3&script=walking:30,sitting:20&seed=7&speed=1|N|max&loop=yes|no

Devices are sim01, sim02 ..., each a person of their own. script=day is a whole day in about 20 minutes, at which
each is somewhere else; a script of one's own all follow from its start. The same seed gives the same samples,
whatever the speed.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain, count, repeat
from threading import Event
from typing import TYPE_CHECKING, Annotated, Final, Literal

import msgspec
import numpy as np

from har_stream.activities import ACTIVITIES
from har_stream.errors import ConfigError, nearest
from har_stream.progress import Progress
from har_stream.samples import SENSOR_AXES, Block, SampleBlock
from har_stream.sources.people import load_people
from har_stream.sources.simulated_person import RATE_HZ, SimulatedPerson, Step
from har_stream.sources.source import at_speed, block_samples
from har_stream.uri import Uri, parse_speed
from har_stream.vigil import ASLEEP

if TYPE_CHECKING:
    from har_stream.manifest import Framing
    from har_stream.samples import Codes, Samples
    from har_stream.sources.source import Timeline

Script = tuple[Step, ...]

DAY: Final[Script] = (
    *(Step("laying", 60), Step("sitting", 15), Step("standing", 20), Step("walking", 25)),
    *(Step("standing", 35), Step("sitting", 45), Step("standing", 15), Step("walking", 20)),
    *(Step("walking_downstairs", 30), Step("walking", 60), Step("standing", 20), Step("walking", 40)),
    *(Step("walking_upstairs", 35), Step("walking", 15), Step("sitting", 90), Step("standing", 25)),
    *(Step("sitting", 60), Step("walking", 20), Step("walking_downstairs", 25), Step("walking", 30)),
    *(Step("standing", 25), Step("sitting", 45), Step("walking", 30), Step("walking_upstairs", 30)),
    *(Step("standing", 30), Step("sitting", 75), Step("walking_downstairs", 25), Step("walking", 55)),
    *(Step("walking_upstairs", 30), Step("standing", 40), Step("sitting", 40), Step("laying", 45)),
    *(Step("standing", 20), Step("walking", 15), Step("sitting", 15), Step("laying", 60)),
)
DAY_NAME: Final = "day"
MOST_DEVICES: Final = 100_000
LEAST_DIGITS: Final = 2
GOLDEN_RATIO: Final = 0.6180339887
"""Multiples of it, less whole days, spread any number of devices well over the day."""


class SimulatorOptions(msgspec.Struct, frozen=True):
    """What may follow the question mark."""

    devices: Annotated[int, msgspec.Meta(ge=1, le=MOST_DEVICES)] = 1
    script: str = DAY_NAME
    seed: Annotated[int, msgspec.Meta(ge=0)] = 1
    speed: str = "1"
    loop: Literal["yes", "no"] = "yes"


class Simulator:
    """Simulated people as a source. Raises ConfigError for a faulty URI."""

    condition = ""
    reconnects = 0
    queue = None
    arrived_s: float | None = None
    vigil = ASLEEP
    progress: Progress | None = None

    def __init__(self, uri: Uri) -> None:
        options = uri.options(SimulatorOptions)
        if uri.rest:
            raise ConfigError(f"{uri.text}: sim: takes options alone, after a question mark, not {uri.rest!r}")
        self._speed = parse_speed(options.speed, uri)
        self._players = players(options.devices, options.script, options.seed, uri)
        self._loop = options.loop == "yes"
        self.paced = self._speed is not None
        self.devices: int | None = options.devices

    def fit(self, framing: Framing) -> None:
        """Raise ConfigError where the model's rate is not that at which people are simulated."""
        if framing.rate_hz != RATE_HZ:
            raise ConfigError(f"sim: people move at {RATE_HZ:g} Hz, the model takes {framing.rate_hz:g} Hz")

    def blocks(self, stop: Event) -> Iterator[list[Block]]:
        """Yield a block of each device at a time, paced by speed."""
        return at_speed(self._timeline(), self._speed, stop)

    def _timeline(self) -> Timeline:
        step = block_samples(self._speed, RATE_HZ)
        running = [player.blocks(step, loop=self._loop) for player in self._players]
        for tick in count(1):
            blocks: list[Block] = [block for block in (next(one, None) for one in running) if block is not None]
            if not blocks:
                return
            yield (tick * step - 1) / RATE_HZ, blocks


@dataclass(frozen=True, slots=True)
class Player:
    """A device: who carries it and what they do."""

    name: str
    index: int
    seed: int
    script: Script

    def blocks(self, step: int, *, loop: bool) -> Iterator[SampleBlock]:
        """Yield blocks of `step` samples, the last one perhaps shorter."""
        segments = self._person().perform(chain.from_iterable(repeat(self.script) if loop else [self.script]))
        sequence, values, truth = 0, np.empty((0, SENSOR_AXES), np.float32), np.empty(0, np.uint8)
        for new_values, new_truth in segments:
            values, truth = np.concatenate([values, new_values]), np.concatenate([truth, new_truth])
            whole = len(values) - len(values) % step
            for at in range(0, whole, step):
                yield self._block(sequence + at, values[at : at + step], truth[at : at + step])
            sequence, values, truth = sequence + whole, values[whole:], truth[whole:]
        if len(values):
            yield self._block(sequence, values, truth)

    def _person(self) -> SimulatedPerson:
        """Return who carries this device: the volunteers in seeded order, over and over."""
        people = load_people().people
        order = np.random.default_rng(self.seed).permutation(len(people))
        generator = np.random.default_rng((self.seed, self.index))
        return SimulatedPerson(people[order[self.index % len(people)]], generator)

    def _block(self, sequence: int, values: Samples, truth: Codes) -> SampleBlock:
        return SampleBlock(self.name, sequence, sequence / RATE_HZ, RATE_HZ, values, truth)


def players(devices: int, script: str, seed: int, uri: Uri) -> list[Player]:
    """Return who carries the devices. Raises ConfigError where the script is faulty."""
    steps = DAY if script == DAY_NAME else parse_script(script, uri)
    return [
        Player(name, index, seed, from_middle(steps, _start_s(index)) if steps is DAY else steps)
        for index, name in enumerate(device_names(devices))
    ]


def device_names(devices: int) -> list[str]:
    """Return sim01, sim02 ... with as many digits as the last one needs."""
    digits = max(LEAST_DIGITS, len(str(devices)))
    return [f"sim{number:0{digits}d}" for number in range(1, devices + 1)]


def parse_script(text: str, uri: Uri) -> Script:
    """Return the steps of "walking:30,sitting:20". Raises ConfigError that names what is wrong."""
    return tuple(_step(words.strip(), uri) for words in text.split(","))


def _step(words: str, uri: Uri) -> Step:
    activity, colon, duration = words.partition(":")
    if not (activity and colon):
        raise ConfigError(f"{uri.text}: script is {DAY_NAME} or activity:seconds,..., not {words!r}")
    if activity not in ACTIVITIES:
        raise ConfigError(f"{uri.text}: script: unknown activity {activity!r}{nearest(activity, ACTIVITIES)}")
    duration_s = _seconds(duration)
    if duration_s is None:
        raise ConfigError(f"{uri.text}: script: {activity} lasts a number of seconds above 0, not {duration!r}")
    return Step(activity, duration_s)


def _seconds(text: str) -> float | None:
    """Return a duration above 0, None for anything else."""
    try:
        duration_s = float(text)
    except ValueError:
        return None
    return duration_s if 0 < duration_s < float("inf") else None


def from_middle(script: Script, start_s: float) -> Script:
    """Return a script that begins start_s after its beginning and goes round to there."""
    before_s = 0.0
    for place, (activity, duration_s) in enumerate(script):
        done_s = start_s - before_s
        if done_s < duration_s:
            first = Step(activity, duration_s - done_s)
            last = (Step(activity, done_s),) if done_s else ()
            return (first, *script[place + 1 :], *script[:place], *last)
        before_s += duration_s
    return script


def _start_s(index: int) -> float:
    """Return how far into the day a device begins, in s."""
    return index * GOLDEN_RATIO % 1 * sum(step.duration_s for step in DAY)
