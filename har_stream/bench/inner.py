"""The stream from messages to predictions in this very process: what a source's and the engine's thread do."""

from __future__ import annotations

import time
from typing import Final

import msgspec

from har_stream.accounting import Accounting
from har_stream.bench.fleet import Fleet
from har_stream.classifier import Classifier
from har_stream.manifest import Manifest
from har_stream.pipeline import Pipeline
from har_stream.profiles import Profiles
from har_stream.settings import IntakeSettings
from har_stream.sources.inbox import AT_ONCE
from har_stream.translation import Translator

WARM_UP_WINDOWS: Final = 3
"""Windows of each device before anything is measured: by then all that is kept of it is there."""


class InnerStream:
    """A fleet's messages to predictions, in ticks as the source mqtt: makes them."""

    def __init__(self, fleet: Fleet, manifest: Manifest, classifier: Classifier) -> None:
        self.fleet, self.accounting = fleet, Accounting()
        devices = len(fleet.names)
        intake = msgspec.structs.replace(IntakeSettings(), max_devices=devices)
        self._translator = Translator(
            Profiles(), model_rate_hz=manifest.framing.rate_hz, stream=False, max_devices=devices
        )
        self._pipeline = Pipeline(manifest, classifier, intake, self.accounting)
        self._enough = devices * (manifest.framing.window + WARM_UP_WINDOWS * manifest.framing.hop)
        self.predictions = 0

    def warm_up(self) -> None:
        """Let each device send so much that it has had windows."""
        self.push(self.fleet.first())
        while self.accounting.samples_in < self._enough:
            self.push(self.fleet.round())

    def push(self, messages: list[tuple[str, bytes]]) -> None:
        """Take messages, as many at a time as a source hands over."""
        for at in range(0, len(messages), AT_ONCE):
            now_s = time.monotonic()
            sent = [(payload, now_s, device, "") for device, payload in messages[at : at + AT_ONCE]]
            blocks = self._translator.push_all(sent)
            self.accounting.enter(sum(block.samples for block in blocks))
            self.predictions += len(self._pipeline.push(blocks, now_s))
