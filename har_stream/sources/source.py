"""What the daemon asks of a source, and how a source that replays the past keeps time."""

from __future__ import annotations

import time
from collections.abc import Iterator
from threading import Event
from typing import Final, Protocol

from har_stream.manifest import Framing
from har_stream.progress import Progress
from har_stream.samples import Block, Tick
from har_stream.vigil import Vigil

Timeline = Iterator[tuple[float, list[Block]]]
"""Blocks that become known together, each list with the time in s (from the source's start) when it is due."""


PACED_BLOCK_S: Final = 0.1
"""How much real time a block spans where a source keeps time."""

LARGEST_PACED_BLOCK: Final = 64
"""Samples; at high speeds blocks grow no further, so that labels do not come in bursts."""

UNPACED_BLOCK: Final = 1024
"""Samples a block where a source runs as fast as it can."""


CONNECTED: Final = "connected"
CONNECTING: Final = "not connected yet"


class Source(Protocol):
    """Samples from somewhere.

    paced tells whether blocks come at their own pace, so that the oldest must go where the stream falls behind;
    a source that is not paced waits instead, and its batches do not depend on timing. devices tells how many
    devices it will bring, None where that is not known beforehand. condition is "" or CONNECTED where samples can come,
    else why not; reconnects is how often it was lost and came back; queue how many messages wait to be decoded and how
    many may, None where none ever do. These may be read from any thread. arrived_s is when the oldest of what blocks()
    yielded last arrived, by time.monotonic(), None for just then. progress, where it is not None, is told how many
    messages each tick is made of, and tells how many the engine is through with; then blocks() is not asked for more
    than the engine can take soon: what has to wait waits there. vigil may be set to how to wait: when it is time to
    wake blocks() yields an empty tick; a source may ignore it.
    """

    paced: bool
    devices: int | None
    arrived_s: float | None
    progress: Progress | None
    vigil: Vigil

    @property
    def condition(self) -> str:
        """How it stands."""

    @property
    def reconnects(self) -> int:
        """How often it came back."""

    @property
    def queue(self) -> tuple[int, int] | None:
        """How many messages wait, of how many that may."""

    def fit(self, framing: Framing) -> None:
        """Raise ConfigError where the source cannot serve a model with this framing."""

    def blocks(self, stop: Event) -> Iterator[Tick]:
        """Yield blocks that belong to one tick, until the source ends or `stop` is set."""


def block_samples(speed: float | None, rate_hz: float) -> int:
    """Return how many samples a block holds at a replay speed, None for as fast as it can."""
    if speed is None:
        return UNPACED_BLOCK
    return min(LARGEST_PACED_BLOCK, max(1, round(PACED_BLOCK_S * rate_hz * speed)))


def at_speed(timeline: Timeline, speed: float | None, stop: Event) -> Iterator[list[Block]]:
    """Yield a timeline's blocks when they are due at `speed` times real time; None: at once."""
    start_s = time.monotonic()
    for due_s, blocks in timeline:
        if speed is not None and stop.wait(max(0.0, start_s + due_s / speed - time.monotonic())):
            return
        if stop.is_set():
            return
        yield blocks
