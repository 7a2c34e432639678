"""Rehearsals: made-up samples go a label's whole way, with no effect, just before those that complete a window come.

              samples       rehearsals         the sample that completes a window
    --*----------*---------*--[r][r][r]-r-r-r-*-[label]--

A lone device leaves the processor idle nearly all the time, and whoever shares its caches (other programs, other
virtual machines) has soon taken them: the same code takes more than twice as long after a pause of 5 ms as without
one. Where it has just run, it does not. So the way is gone three times before the sample may come, and on and on until
it does: in parts, between which it is looked for, awake, twice as long as the parts take. A rehearsal has stages of its
own and shares the classifier alone with the stream, whose books, metrics and states know nothing of it.
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
from har_stream.shadow import PARTS, Shadow
from har_stream.vigil import ASLEEP, Vigil

RUNS: Final = 3
"""Before a sample may come: a second and a third one still make a difference, a fourth makes none."""
SELDOM_S: Final = 0.5
"""Labels that follow each other faster are not rehearsed, so that it costs next to nothing."""
FIRST_TOOK_S: Final = 5e-3
"""What these runs are taken to last before that was measured, and at most."""
LASTING: Final = 0.75
"""Share of what was measured before in how long the runs are taken to last, from when it is time to wake."""
REST: Final = 2.0
"""Once a sample may come: for so many times as long as a part took nothing is in its way."""
MOST_LATE_S: Final = 6e-3
"""How long after a sample may first come it is waited for; one that comes less regularly is not rehearsed."""

log = logging.getLogger(__name__)


class Rehearsal:
    """The rehearsals of a lone device's labels, in the thread that takes its samples through the pipeline.

    vigil is how to wait for what comes next: until it is time for the next part of a rehearsal.
    """

    def __init__(self, manifest: Manifest, classifier: Classifying, settings: IntakeSettings) -> None:
        self._manifest, self._classifier, self._settings = manifest, classifier, settings
        framing = manifest.framing
        self._cadence = Cadence(framing)
        self._shadow: Shadow | None = None
        self._on = framing.hop / framing.rate_hz >= SELDOM_S
        self._parts = 0
        self._took_s, self._planned_s = FIRST_TOOK_S, math.nan
        self.vigil = ASLEEP

    def note(self, tick: Tick, arrived_s: float, predictions: list[Prediction]) -> None:
        """Take what came, when by time.monotonic(), and what it led to; once its labels are out, as this takes time."""
        block = tick[-1]
        if not (self._on and isinstance(block, SampleBlock | TimedBlock) and block.samples):
            return
        if predictions:
            with self._guarded():
                self._follow(block)
        self._cadence.note(arrived_s, _newest_s(block), predictions[-1].end_s if predictions else None)
        self._parts = 0
        regular = self._cadence.early_s <= MOST_LATE_S / 2
        self.vigil = Vigil(self._any_time_s - self._took_s) if self._on and regular else ASLEEP

    def run(self) -> None:
        """Rehearse a part, if it is time to and what completes a window is still to come."""
        begins_s, wake_s = time.monotonic(), self.vigil.wake_s
        if begins_s < wake_s:
            return
        if self._shadow is None or begins_s >= self._any_time_s + MOST_LATE_S:
            self.skip()
            return
        if self._parts == 0:
            self._planned_s = wake_s
        with self._guarded():
            self._shadow.play()
        self._parts += 1
        ended_s = time.monotonic()
        if self._parts == RUNS * PARTS:
            took_s = LASTING * self._took_s + (1 - LASTING) * (ended_s - self._planned_s)
            self._took_s = min(FIRST_TOOK_S, took_s)
        rest_s = REST * (ended_s - begins_s) if ended_s >= self._any_time_s else 0.0
        self.vigil = Vigil(ended_s + rest_s, awake=True) if self._on else ASLEEP

    def skip(self) -> None:
        """Do without until the next label."""
        self.vigil = ASLEEP

    @property
    def _any_time_s(self) -> float:
        """From when on the samples that complete a window may come."""
        return self._cadence.due_s - self._cadence.early_s

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
