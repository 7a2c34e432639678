"""A device's blocks to samples at the model's rate, as the daemon itself would make them.

Why here, and not at the daemon: a message says the time of its first sample and a rate. A device whose times are not
even (stamps in whole ms, 104 Hz, holes) could only be told so by smearing its samples over the message, and then the
labels are others. So what the daemon does with a device's own times is done here, by the same stages with the same
settings: messages hold samples on the model's grid, which pass through the daemon bit for bit, at times of the device's
clock.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from har_stream.accounting import Accounting
from har_stream.batch import NEW
from har_stream.bridging import Bridging
from har_stream.intake import Intake
from har_stream.resampling import Resampling
from har_stream.samples import Block, Refused, SampleBlock, Samples, TimedBlock, with_times
from har_stream.settings import IntakeSettings

ROW = 0
"""There is one device."""


@dataclass(frozen=True, slots=True)
class Piece:
    """Consecutive samples (n, 6) at the model's rate from start_s on; begins tells that none came before them."""

    start_s: float
    values: Samples
    begins: bool


class UniformSamples:
    """Intake, bridging and resampling of one device; refusals and gaps are in the books."""

    def __init__(self, settings: IntakeSettings, accounting: Accounting, *, rate_hz: float) -> None:
        self._accounting = accounting
        self._intake = Intake(settings, accounting, rate_hz=rate_hz)
        self._bridging = Bridging(rate_hz=rate_hz, max_gap_s=settings.max_gap_s, rows=1)
        self._resampling = Resampling(
            rate_hz=rate_hz,
            max_gap_s=settings.max_gap_s,
            rewind_s=settings.rewind_s,
            rows=1,
            accounting=accounting,
        )
        self._timed: bool | None = None

    def push(self, blocks: Iterable[Block]) -> Iterator[Piece]:
        """Take blocks in their order, give what they complete."""
        for block in blocks:
            if isinstance(block, Refused):
                self._accounting.refuse(block.reason, block.samples)
            elif isinstance(block, SampleBlock | TimedBlock) and block.samples:
                yield from self._push(block)

    def _push(self, block: SampleBlock | TimedBlock) -> Iterator[Piece]:
        if isinstance(block, TimedBlock) or self._intake.at_other_rate(block):
            self._become(timed=True)
            timed = block if isinstance(block, TimedBlock) else with_times(block)
            for batch in self._resampling.push(self._intake.sifted([(ROW, timed)])):
                yield Piece(float(batch.start_s[0]), batch.values[0], bool(batch.missing[0] == NEW))
        elif self._intake.lawful(block):
            self._become(timed=False)
            for batch in self._intake.admit([(ROW, block)]):
                for uniform in self._bridging.push(batch):
                    yield Piece(float(uniform.batch.start_s[0]), uniform.batch.values[0], bool(uniform.begins[0]))
        self._intake.out_of_range()  # is told by the daemon of who sends; here it must only not grow

    def _become(self, *, timed: bool) -> None:
        """Begin anew where the device had times of its own and has none any more, or the other way."""
        if self._timed not in (None, timed):
            self._accounting.drop("gap", self._resampling.forget(ROW))
            self._intake.forget(ROW)
        self._timed = timed
