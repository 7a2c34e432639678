"""How the time is shared out among the stages: each stage's public methods are timed around, from outside.

A stage's time is its own alone: what it calls of another stage, or what takes its batches from it, counts there.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from functools import wraps
from inspect import isgeneratorfunction
from types import FunctionType
from typing import Any, Final

from har_stream.bench.inner import InnerStream
from har_stream.bridging import Bridging
from har_stream.classifier import Classifier
from har_stream.intake import Intake
from har_stream.predictions import Predictions
from har_stream.preprocessing import Preprocessing
from har_stream.resampling import Resampling
from har_stream.smoothing import Smoother
from har_stream.translation import Translator

STAGES: Final[tuple[tuple[str, type], ...]] = (
    ("decode", Translator),
    ("intake", Intake),
    ("resampling", Resampling),
    ("resampling", Bridging),
    ("preprocessing", Preprocessing),
    ("classifier", Classifier),
    ("smoothing", Smoother),
    ("predictions", Predictions),
)
OTHER: Final = "other"
"""What is no stage's: the table of devices, checks for wrong units, turning windows upright, the books."""


class StageClock:
    """Stands in one stage at a time; spent_s says how long in each."""

    def __init__(self) -> None:
        self.spent_s = dict.fromkeys([*(stage for stage, _ in STAGES), OTHER], 0.0)
        self._stack = [OTHER]
        self._since_s = time.perf_counter()

    def enter(self, stage: str) -> None:
        """Go into a stage."""
        self._book()
        self._stack.append(stage)

    def leave(self) -> None:
        """Go back to whoever called it."""
        self._book()
        self._stack.pop()

    def _book(self) -> None:
        now_s = time.perf_counter()
        self.spent_s[self._stack[-1]] += now_s - self._since_s
        self._since_s = now_s

    def skip(self) -> None:
        """Count nothing of what passed since something was booked last."""
        self._since_s = time.perf_counter()


def stage_shares(stream: InnerStream, seconds: float) -> dict[str, float]:
    """Return the share of each stage and of the rest, 1 in all."""
    clock = StageClock()
    until_s = time.monotonic() + seconds
    with timed(clock):
        while time.monotonic() < until_s:
            messages = stream.fleet.round()
            clock.skip()
            stream.push(messages)
            clock.enter(OTHER)
            clock.leave()
    whole_s = sum(clock.spent_s.values())
    return {stage: spent_s / whole_s for stage, spent_s in clock.spent_s.items()}


@contextmanager
def timed(clock: StageClock) -> Iterator[None]:
    """Time the stages' public methods while the block lasts."""
    kept = [
        (kind, name, method)
        for _, kind in STAGES
        for name, method in vars(kind).items()
        if isinstance(method, FunctionType) and not name.startswith("_")
    ]
    stage_of = {kind: stage for stage, kind in STAGES}
    try:
        for kind, name, method in kept:
            around = _around_generator if isgeneratorfunction(method) else _around
            setattr(kind, name, around(clock, stage_of[kind], method))
        yield
    finally:
        for kind, name, method in kept:
            setattr(kind, name, method)


def _around(clock: StageClock, stage: str, method: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(method)
    def around(*words: Any, **named: Any) -> Any:
        clock.enter(stage)
        try:
            return method(*words, **named)
        finally:
            clock.leave()

    return around


def _around_generator(clock: StageClock, stage: str, method: Callable[..., Iterator[Any]]) -> Callable[..., Any]:
    @wraps(method)
    def around(*words: Any, **named: Any) -> Generator[Any, None, None]:
        running = method(*words, **named)
        while True:
            clock.enter(stage)
            try:
                given = next(running)
            except StopIteration:
                return
            finally:
                clock.leave()
            yield given

    return around
