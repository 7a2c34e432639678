"""A shadow of the stream: a pipeline of its own for samples that nobody sent, each of which completes a window.

made-up block -> pipeline -> clock on the wall -> JSON line, all of it thrown away
"""

from __future__ import annotations

import math
from typing import Final

import msgspec
import numpy as np

from har_stream.accounting import Accounting
from har_stream.classifier import Classifying
from har_stream.framed import FramedWindows
from har_stream.intake import HIGHEST_RATE_HZ, LOWEST_RATE_HZ
from har_stream.manifest import Manifest
from har_stream.pipeline import Pipeline
from har_stream.samples import SampleBlock, Samples, TimedBlock
from har_stream.settings import IntakeSettings
from har_stream.sinks.json_lines import encode
from har_stream.wall_clock import LiveClock

PARTS: Final = 2
"""What play() has to be called for until all of a label's way was gone."""
FILL: Final = 2
"""Windows of samples that go in at first, so that all stages are under way."""


class Shadow:
    """The stages of one device whose blocks are of the kind and rate of `block`."""

    def __init__(
        self, manifest: Manifest, classifier: Classifying, settings: IntakeSettings, block: SampleBlock | TimedBlock
    ) -> None:
        framing = msgspec.structs.replace(manifest.framing, hop=1)
        self._pipeline = Pipeline(
            msgspec.structs.replace(manifest, framing=framing),
            classifier,
            msgspec.structs.replace(settings, max_devices=1),
            Accounting(),
        )
        self._clock = LiveClock(limit=1)
        self._block, self._sent = block, 0
        self._rate_hz = framing.rate_hz
        if block.rate_hz is not None and LOWEST_RATE_HZ <= block.rate_hz <= HIGHEST_RATE_HZ:
            self._rate_hz = block.rate_hz
        self._at_once = math.ceil(self._rate_hz / framing.rate_hz)
        """Samples that complete a window."""
        self._frame(FILL * framing.window * self._at_once)
        self._framed: FramedWindows | None = None

    def fits(self, block: SampleBlock | TimedBlock) -> bool:
        """Tell whether a block goes the same way as the one that this was made for."""
        mine = self._block
        return type(block) is type(mine) and (block.device, block.rate_hz) == (mine.device, mine.rate_hz)

    def follow(self, block: SampleBlock | TimedBlock) -> None:
        """Make up samples like the last one of a block that fits from now on."""
        self._block = block

    def play(self) -> list[bytes]:
        """Play the next part: a window becomes complete; or it is classified, and what would be told is returned."""
        if self._framed is None:
            self._pipeline.news()
            self._framed = self._frame(self._at_once)
            return []
        windows, self._framed = self._framed, None
        predictions = self._clock.stamp(self._pipeline.predict(windows), float(windows.start_s[-1]))
        return [encode(prediction) for prediction in predictions]

    def _frame(self, samples: int) -> FramedWindows | None:
        """Let so many samples follow those before them."""
        values: Samples = np.repeat(self._block.values[-1:], samples, axis=0)
        times_s = (self._sent + np.arange(samples)) / self._rate_hz
        device, start_s = self._block.device, float(times_s[0])
        if isinstance(self._block, TimedBlock):
            made_up: SampleBlock | TimedBlock = TimedBlock(device, times_s, values, self._block.rate_hz)
        else:
            made_up = SampleBlock(device, self._sent, start_s, self._rate_hz, values)
        self._sent += samples
        return self._pipeline.frame([made_up], start_s)
