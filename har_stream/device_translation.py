"""One device's readings, in its own units, axes and clock, to blocks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from har_stream.alignment import Alignment, Rows
from har_stream.arrival_clock import ArrivalClock, Span
from har_stream.formats.cbor_layout import Layout
from har_stream.formats.format import Readings, SensorRows
from har_stream.profiles import Conversions
from har_stream.reordering import Reordering, StreamEnds
from har_stream.samples import Block, Refused, SampleBlock, Samples, TimedBlock

SAME_RATE: Final = 0.01
"""Share by which a measured rate may be off the model's and be taken for it. A stride varies by more."""

STILL_SAME_RATE: Final = 0.013
"""As SAME_RATE for one that was taken for it, so that noise does not switch to and fro."""

PIECE: Final = 16
"""Samples of a block at the model's rate; at STILL_SAME_RATE they end less than half a sample off their times."""

MOST_WAITING: Final = 20_000
"""Samples of a device whose rate could not be measured; then they go, counted."""

MOST_WAITING_IN_ALL: Final = 262_144
"""As above, of all devices together: who makes up ids could else fill the memory with what has no rate."""

NO_RATE: Final = "no_rate"


@dataclass(slots=True)
class Waiting:
    """How many samples of all devices wait for their rates."""

    samples: int = 0


class DeviceTranslation:
    """The alignment, order and clock of one device.

    conversions may be shared with other devices; nominal_hz is the rate of samples without times, where it is known;
    layouts are those of the device's messages; reorders tells that its blocks may come in disorder; in `ends` the
    device has a row.
    """

    # Of many devices few attributes fit the processor's caches: each in a dictionary would take three places more.
    __slots__ = (
        "_alignment",
        "_at_model_rate",
        "_clock",
        "_ends",
        "_in_all",
        "_model_rate_hz",
        "_nominal_hz",
        "_reordering",
        "_reorders",
        "_waiting",
        "conversions",
        "device",
        "format",
        "layouts",
        "row",
    )

    def __init__(
        self,
        device: str,
        conversions: Conversions,
        *,
        nominal_hz: float | None,
        format_name: str | None,
        layouts: Mapping[int, Layout | None],
        model_rate_hz: float,
        reorders: bool,
        in_all: Waiting,
        ends: StreamEnds,
        row: int,
    ) -> None:
        self.device, self.format = device, format_name
        self.conversions, self.layouts = conversions, layouts
        self._nominal_hz, self._model_rate_hz = nominal_hz, model_rate_hz
        self._alignment: Alignment | None = None
        self._ends, self.row = ends, row
        ends.begin(row)
        self._reorders, self._reordering = reorders, Reordering(ends, row)
        self._clock: ArrivalClock | None = None
        self._waiting: list[Samples] = []
        self._in_all = in_all
        self._at_model_rate = False

    def readings(self, readings: Readings, arrival_s: float) -> list[Block]:
        """Translate readings of both sensors."""
        values = self.conversions.of((readings.acc_unit, readings.gyro_unit)).samples(readings.values)
        block: SampleBlock | TimedBlock
        if readings.times_s is not None:
            block = TimedBlock(self.device, readings.times_s, values, readings.rate_hz)
        elif readings.start_s is not None and readings.rate_hz is not None:
            block = self._block(readings.start_s, readings.rate_hz, values)
        else:
            return self._by_arrival(values, readings.rate_hz, arrival_s)
        return self._reordering.push(block) if self._reorders else [block]  # type: ignore[return-value]

    def rows(self, rows: Sequence[SensorRows]) -> list[Block]:
        """Translate rows of sensors that came together."""
        if self._alignment is None:
            self._alignment = Alignment(self.device)
        return self._alignment.push([self._converted(one) for one in rows])

    def flush(self) -> list[Block]:
        """Give or refuse all that waits: nothing more comes."""
        blocks = self._alignment.flush() if self._alignment else []
        return [*blocks, *self._reordering.flush(), *self._give_up()]

    def _converted(self, rows: SensorRows) -> Rows:
        conversion = self.conversions.of()
        if rows.sensor == "gyro":
            return rows.sensor, rows.times_s, conversion.rate(rows.values)
        return rows.sensor, rows.times_s, conversion.acceleration(rows.values, uncalibrated=rows.uncalibrated)

    def _block(self, start_s: float, rate_hz: float, values: Samples) -> SampleBlock:
        sequence = self._ends.sequence.item(self.row)
        self._ends.sequence[self.row] = sequence + len(values)
        return SampleBlock(self.device, sequence, start_s, rate_hz, values)

    def _by_arrival(self, values: Samples, rate_hz: float | None, arrival_s: float) -> list[Block]:
        """Give samples without times those of the arrival clock, once it has a rate."""
        if self._clock is None:
            self._clock = ArrivalClock(nominal_hz=self._nominal_hz or rate_hz)
        self._waiting.append(values)
        self._in_all.samples += len(values)
        span = self._clock.push(len(values), arrival_s)
        if span is None:
            too_many = self._clock.waiting > MOST_WAITING or self._in_all.samples > MOST_WAITING_IN_ALL
            return self._give_up() if too_many else []
        held = self._taken()
        return self._timed(span, np.concatenate(held) if len(held) > 1 else held[0])

    def _timed(self, span: Span, values: Samples) -> list[Block]:
        """Give samples at the model's rate as they are, others with their times, to be resampled."""
        off = abs(span.rate_hz / self._model_rate_hz - 1)
        self._at_model_rate = off <= (STILL_SAME_RATE if self._at_model_rate else SAME_RATE)
        if self._at_model_rate:
            return [
                self._block(span.start_s + at / span.rate_hz, self._model_rate_hz, values[at : at + PIECE])
                for at in range(0, len(values), PIECE)
            ]
        return [TimedBlock(self.device, span.start_s + np.arange(len(values)) / span.rate_hz, values, span.rate_hz)]

    def _taken(self) -> list[Samples]:
        """Return what waited for a rate, which waits no more."""
        taken, self._waiting = self._waiting, []
        self._in_all.samples -= sum(map(len, taken))
        return taken

    def _give_up(self) -> list[Block]:
        """Refuse what waits for a rate, and measure anew."""
        lost = sum(map(len, self._taken()))
        if lost:
            self._clock = None
        return [Refused(self.device, NO_RATE, lost)] if lost else []
