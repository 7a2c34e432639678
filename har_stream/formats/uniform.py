"""What a block of uniform samples must keep to, however it is written."""

from __future__ import annotations

import numpy as np

from har_stream.formats.format import (
    ACC_UNITS,
    GYRO_UNITS,
    RATE,
    TIME,
    UNIT,
    Decoded,
    Readings,
    Refusal,
    Values,
    lawful_rate,
    lawful_time,
)


def uniform(
    values: Values, start_s: float | None, rate_hz: float | None, acc_unit: str | None, gyro_unit: str | None
) -> list[Decoded]:
    """Give a block (n, 6) as readings, or the reason why it cannot be one.

    A start needs a rate, unless it is the time of a lone sample.
    """
    if not len(values):
        return []
    reason = _fault(start_s, rate_hz, acc_unit, gyro_unit, lone=len(values) == 1)
    if reason:
        return [Refusal(reason)]
    # A CBOR number may be an integer.
    start_s = None if start_s is None else float(start_s)
    rate_hz = None if rate_hz is None else float(rate_hz)
    if start_s is not None and rate_hz is None:
        return [Readings(values, np.array([start_s]), acc_unit=acc_unit, gyro_unit=gyro_unit)]
    return [Readings(values, None, start_s, rate_hz, None, acc_unit, gyro_unit)]


def _fault(
    start_s: float | None, rate_hz: float | None, acc_unit: str | None, gyro_unit: str | None, *, lone: bool
) -> str | None:
    if start_s is not None and not lawful_time(start_s):
        return TIME
    if not (lawful_rate(rate_hz) if rate_hz is not None else start_s is None or lone):
        return RATE
    known = (acc_unit is None or acc_unit in ACC_UNITS) and (gyro_unit is None or gyro_unit in GYRO_UNITS)
    return None if known else UNIT
