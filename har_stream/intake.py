"""The intake: what is not lawful stays outside, each refusal counted by its reason.

Refused are samples not finite or out of range (an IIR filter would never forget them), without a lawful time, and
those not newer than the device's last sample. Good samples around a bad one go on; what is missing between them is to
be bridged. Samples with times of their own are put in order by the resampling.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import chain
from typing import Final

import numpy as np
from numpy.typing import NDArray

from har_stream.accounting import Accounting
from har_stream.batch import HALF_A_SAMPLE, NEW, Batch, groups, packed, stack
from har_stream.ordering import in_one
from har_stream.samples import FleetBlock, Rows, SampleBlock, Samples, TimedBlock, WindowBlock, same_rate
from har_stream.settings import IntakeSettings

LOWEST_RATE_HZ: Final = 1.0
HIGHEST_RATE_HZ: Final = 10_000.0
LATEST_S: Final = 1e12
"""No device's clock is farther from zero: 30,000 years."""

LONGEST_ROW: Final = 8192
"""Samples of which limits are kept in one row at most."""


class Intake:
    """Turns blocks as they come into batches of lawful samples in order."""

    def __init__(self, settings: IntakeSettings, accounting: Accounting, *, rate_hz: float) -> None:
        self._accounting, self._rate_hz = accounting, rate_hz
        self._limits = np.repeat(np.array([settings.acc_limit_g, settings.gyro_limit_rads], np.float32), 3)
        self._acc_limit, self._gyro_limit = self._limits[2:4].tolist()
        self._many_limits = self._limits
        # Body acceleration, body gyro and total acceleration of a ready-made window.
        self._window_limits = np.concatenate([self._limits, self._limits[:3]])
        self._rewind = round(settings.rewind_s * rate_hz)
        self._next_s = np.full(settings.max_devices, np.nan)
        self._out_of_range: list[tuple[int, Samples]] = []

    def forget(self, row: int) -> None:
        """Take whatever comes next in a row as the beginning of a stream."""
        self._next_s[row] = np.nan

    def admit(
        self, blocks: Sequence[tuple[int, SampleBlock]], fleets: Sequence[tuple[Rows, FleetBlock]] = ()
    ) -> Iterator[Batch]:
        """Take (row, block) pairs in order of arrival, give batches with `missing` filled in.

        `fleets` are blocks of others, with their rows (d,).
        """
        for unplaced in chain(packed(fleets), (stack(*group) for group in groups(blocks))):
            batch = self._placed(unplaced)
            good = self._all_in_range(batch.values) & (batch.missing >= NEW)
            if good.all():
                yield self._accept(batch)
                continue
            if good.any():
                yield self._accept(batch.only(good))
            for single in batch.only(~good).singles():
                yield from self._mend(single)

    def at_other_rate(self, block: SampleBlock) -> bool:
        """Tell whether a block's rate is one, but not the model's."""
        rate_hz = block.rate_hz
        if rate_hz == self._rate_hz:  # as nearly always
            return False
        return _lawful_rate(rate_hz) and not same_rate(rate_hz, self._rate_hz)

    def at_models_rate(self, fleet: FleetBlock) -> bool:
        """Tell whether a fleet's rate is exactly the model's and its times are times, as nearly always."""
        return fleet.rate_hz == self._rate_hz and bool((np.abs(fleet.start_s) <= LATEST_S).all())

    def lawful(self, block: SampleBlock) -> bool:
        """Tell whether a block's rate is the model's and its time is one, and refuse it where not."""
        if block.rate_hz == self._rate_hz and -LATEST_S <= block.start_s <= LATEST_S:
            return True
        right_rate = same_rate(block.rate_hz, self._rate_hz)
        if not right_rate:
            self._accounting.refuse("rate", block.samples)
        elif not abs(block.start_s) <= LATEST_S:
            self._accounting.refuse("time", block.samples)
        return right_rate and abs(block.start_s) <= LATEST_S

    def out_of_range(self) -> list[tuple[int, Samples]]:
        """Return, by row, the blocks since the last call that had samples out of range."""
        told, self._out_of_range = self._out_of_range, []
        return told

    def is_sound(self, block: TimedBlock) -> bool:
        """Tell of a block of one sample whether its time is lawful and it is in range; a NaN compares false."""
        ((ax, ay, az, gx, gy, gz),) = block.values.tolist()  # as plain numbers they cost a tenth
        acc, gyro = self._acc_limit, self._gyro_limit
        acc_sound = -acc <= ax <= acc and -acc <= ay <= acc and -acc <= az <= acc
        gyro_sound = -gyro <= gx <= gyro and -gyro <= gy <= gyro and -gyro <= gz <= gyro
        return acc_sound and gyro_sound and -LATEST_S <= block.times_s.item() <= LATEST_S

    def sifted(self, blocks: Sequence[tuple[int, TimedBlock]]) -> Sequence[tuple[int, TimedBlock]]:
        """Return those samples of (row, block) pairs that are finite, in range and have a lawful time.

        The others are refused.
        """
        if not blocks:
            return blocks
        rates = {block.rate_hz for _, block in blocks}
        times_s = in_one([block.times_s for _, block in blocks])
        values = in_one([block.values for _, block in blocks])
        if (
            all(rate_hz is None or _lawful_rate(rate_hz) for rate_hz in rates)
            and (np.abs(times_s) <= LATEST_S).all()
            and (np.abs(values).reshape(-1) <= self._limits_of(len(values))).all()
        ):
            return blocks
        return [(row, self._sifted(row, block)) for row, block in blocks]

    def _sifted(self, row: int, block: TimedBlock) -> TimedBlock:
        timely = np.abs(block.times_s) <= LATEST_S
        good = timely & self._in_range(block.values)
        if block.rate_hz is not None and not _lawful_rate(block.rate_hz):
            block = replace(block, rate_hz=None)  # its times tell better
        if good.all():
            return block
        self._accounting.refuse("time", int((~timely).sum()))
        self._count(row, block.values[timely], 0)
        truth = None if block.truth is None else block.truth[good]
        return replace(block, times_s=block.times_s[good], values=block.values[good], truth=truth)

    def lawful_windows(self, block: WindowBlock) -> NDArray[np.bool_]:
        """Tell which ready-made windows (w,) are finite and in range, and refuse the new samples of the others."""
        finite = np.isfinite(block.values).all(axis=(1, 2))
        good = np.asarray(finite & (np.abs(block.values) <= self._window_limits).all(axis=(1, 2)))
        for reason, bad in (("not_finite", ~finite), ("out_of_range", finite & ~good)):
            if bad.any():
                self._accounting.refuse(reason, int(block.fresh[bad].sum()))
        return good

    def _in_range(self, values: NDArray[np.float32]) -> NDArray[np.bool_]:
        """Tell for samples (..., n, 6) which are finite and in range; a NaN compares false."""
        return np.asarray((np.abs(values) <= self._limits).all(axis=-1))

    def _all_in_range(self, values: NDArray[np.float32]) -> NDArray[np.bool_]:
        """Tell for blocks (d, n, 6) in which all samples are finite and in range."""
        limits = self._limits_of(values.shape[1])
        return np.asarray((np.abs(values).reshape(len(values), -1) <= limits).all(axis=1))

    def _limits_of(self, samples: int) -> NDArray[np.float32]:
        """Return the limits of so many samples in one row, which NumPy compares many times faster than rows of six."""
        if samples > LONGEST_ROW:
            return np.tile(self._limits, samples)
        if len(self._many_limits) < samples * len(self._limits):
            self._many_limits = np.tile(self._limits, samples)
        return self._many_limits[: samples * len(self._limits)]

    def _placed(self, batch: Batch) -> Batch:
        """Fill in how many samples are missing before each block; below NEW: how far it lies in the past."""
        ahead_s = batch.start_s - self._next_s[batch.rows]
        if (np.abs(ahead_s) * self._rate_hz < HALF_A_SAMPLE).all():  # as nearly always; it never holds of the first
            return batch.lacking(np.zeros(len(batch.rows), np.int64))
        first = np.isnan(ahead_s)
        ahead_s = np.where(first, 0.0, ahead_s)
        ahead = np.rint(np.clip(ahead_s * self._rate_hz, -1e15, 1e15)).astype(np.int64)
        # Far in the past is no late sample but a clock set back: the stream begins anew.
        missing = np.where(first | (ahead < -self._rewind), NEW, np.where(ahead < 0, NEW + ahead, ahead))
        return batch.lacking(missing)

    def _accept(self, batch: Batch) -> Batch:
        self._next_s[batch.rows] = batch.start_s + batch.values.shape[1] / batch.rate_hz
        return batch

    def _mend(self, single: Batch) -> Iterator[Batch]:
        """Take the good runs out of one device's block."""
        values = single.values[0]
        samples = len(values)
        late = max(0, min(samples, int(NEW - single.missing[0])))
        self._count(int(single.rows[0]), values[late:], late)
        good = self._in_range(values)
        good[:late] = False
        if late == 0 and single.missing[0] == NEW:
            self.forget(int(single.rows[0]))
        edges = np.flatnonzero(np.diff(np.concatenate([[False], good, [False]])))
        for start, stop in edges.reshape(-1, 2):
            run = Batch(
                single.rows,
                single.start_s + start / single.rate_hz,
                single.values[:, start:stop],
                single.truth[:, start:stop],
                single.missing,
                single.rate_hz,
            )
            follows = 0 < start == late  # what an overlap leaves follows without a gap, however times were rounded
            yield self._accept(replace(run, missing=np.zeros(1, np.int64)) if follows else self._placed(run))

    def _count(self, row: int, values: Samples, late: int) -> None:
        """Count the refused samples of a row's block: `late` of them, and the unlawful ones among `values`."""
        finite = np.isfinite(values).all(axis=-1)
        in_range = self._in_range(values)
        if (finite & ~in_range).any():
            self._out_of_range.append((row, values[finite]))
        for reason, count in (
            ("late", late),
            ("not_finite", int((~finite).sum())),
            ("out_of_range", int((finite & ~in_range).sum())),
        ):
            if count:
                self._accounting.refuse(reason, count)


def _lawful_rate(rate_hz: float) -> bool:
    return LOWEST_RATE_HZ <= rate_hz <= HIGHEST_RATE_HZ
