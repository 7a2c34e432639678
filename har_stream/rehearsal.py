"""Rehearsals: made-up samples go a label's whole way, with no effect, just before those that complete a window come.

              samples       rehearsals      the sample that completes a window
    --*----------*---------*---[r][r][r]-*-[label]--

A lone device leaves the processor idle nearly all the time, and whoever shares its caches (other programs, other
virtual machines) has soon taken them: the same code takes more than twice as long after a pause of 5 ms as without
one. Where it has just run, it does not. A rehearsal has stages of its own and shares the classifier alone with the
stream, whose books, metrics and states know nothing of it.
"""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from har_stream.cadence import Cadence
from har_stream.classifier import Classifying
from har_stream.manifest import Manifest
from har_stream.samples import Prediction, SampleBlock, Tick, TimedBlock
from har_stream.settings import IntakeSettings
from har_stream.shadow import Shadow

RUNS: Final = 3
"""Before each label: a second and a third one still make a difference, a fourth makes none."""
SELDOM_S: Final = 0.5
"""Labels that follow each other faster are not rehearsed, so that it costs next to nothing."""
FIRST_TOOK_S: Final = 5e-3
"""What the runs are taken to last before that was measured."""
LASTING: Final = 0.75
"""Share of what was measured before in how long the runs are taken to last."""

log = logging.getLogger(__name__)


class Rehearsal:
    """The rehearsals of a lone device's labels, in the thread that takes its samples through the pipeline.

    wake_s is when to run the next one, by time.monotonic(), if nothing comes before; inf for never.
    """

    def __init__(self, manifest: Manifest, classifier: Classifying, settings: IntakeSettings) -> None:
        self._manifest, self._classifier, self._settings = manifest, classifier, settings
        framing = manifest.framing
        self._cadence = Cadence(framing)
        self._shadow: Shadow | None = None
        self._on = framing.hop / framing.rate_hz >= SELDOM_S
        self._done = 0
        self._took_s, self._begun_s = FIRST_TOOK_S, math.nan
        self.wake_s = math.inf

    def note(self, tick: Tick, arrived_s: float, predictions: list[Prediction]) -> None:
        """Take what came, when by time.monotonic(), and what it led to; once its labels are out, as this takes time."""
        block = tick[-1]
        if not (self._on and isinstance(block, SampleBlock | TimedBlock) and block.samples):
            return
        if predictions:
            self._done = 0
            with self._guarded():
                self._follow(block)
        self._cadence.note(arrived_s, _newest_s(block), predictions[-1].end_s if predictions else None)
        self._plan()

    def run(self) -> None:
        """Rehearse once, if it is time to and the samples that complete a window cannot come yet."""
        now_s = time.monotonic()
        last_s = self._any_time_s - self._took_s / RUNS / 2  # what begins later would be in the way
        if self._shadow is not None and self.wake_s <= now_s < last_s:
            if self._done == 0:
                self._begun_s = now_s
            with self._guarded():
                self._shadow.play()
            self._done += 1
            if self._done == RUNS:
                self._took_s = LASTING * self._took_s + (1 - LASTING) * (time.monotonic() - self._begun_s)
        elif now_s >= self.wake_s:
            self._done = RUNS
        self._plan()

    def skip(self) -> None:
        """Do without until the next label."""
        self._done = RUNS
        self._plan()

    @property
    def _any_time_s(self) -> float:
        """From when on the samples that complete a window may come."""
        return self._cadence.due_s - self._cadence.early_s

    def _plan(self) -> None:
        self.wake_s = self._any_time_s - self._took_s if self._on and self._done < RUNS else math.inf

    def _follow(self, block: SampleBlock | TimedBlock) -> None:
        """Make up samples like those of a block from now on."""
        if self._shadow is None or not self._shadow.fits(block):
            self._shadow = Shadow(self._manifest, self._classifier, self._settings, block)
        self._shadow.follow(block)

    @contextmanager
    def _guarded(self) -> Iterator[None]:
        """Let no fault of a rehearsal reach the stream, which can do without."""
        try:
            yield
        except Exception as error:  # noqa: BLE001 - whatever it is, it is told once
            log.warning("labels are not rehearsed any more: %r", error)
            self._on = False


def _newest_s(block: SampleBlock | TimedBlock) -> float:
    """Return the time of a block's last sample in the device's clock, NaN where it has none."""
    if isinstance(block, TimedBlock):
        return float(block.times_s[-1])
    return block.start_s + (block.samples - 1) / (block.rate_hz or math.nan)
