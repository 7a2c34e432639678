"""har-stream's own block as JSON.

{"t": epoch s of the first sample, "hz": rate, "seq": number of the first sample, "acc_unit": "g" | "m/s2" | ...,
 "gyro_unit": "rad/s" | "deg/s" | ..., "samples": [[ax, ay, az, gx, gy, gz], ...]}

All but samples may be missing: without t the samples have no times of their own.
"""

from __future__ import annotations

import math
from typing import Final

import msgspec
import numpy as np
from numpy.typing import ArrayLike, NDArray

from har_stream.formats.format import CHANNELS, MESSAGE, Decoded, Refusal
from har_stream.formats.json_text import parse
from har_stream.formats.uniform import uniform

Number = float | None
Row = tuple[Number, Number, Number, Number, Number, Number]


class JsonBlock(msgspec.Struct, frozen=True):
    """The message. null among the samples is a number that the sender did not have."""

    samples: list[Row]
    t: float | None = None
    hz: float | None = None
    acc_unit: str | None = None
    gyro_unit: str | None = None


BLOCK: Final = msgspec.json.Decoder(JsonBlock)


class JsonBlocksDecoder:
    """A message at a time; holds nothing."""

    def push(self, data: bytes) -> list[Decoded]:
        """Take a message, give its readings or the reason why there are none."""
        block = parse(data, BLOCK)
        if block is None:
            return [Refusal(MESSAGE)]
        values: NDArray[np.float64] = np.array(block.samples, np.float64).reshape(-1, CHANNELS)
        return uniform(values, block.t, block.hz, block.acc_unit, block.gyro_unit)


def encode(
    values: ArrayLike,
    *,
    rate_hz: float,
    start_s: float | None = None,
    sequence: int = 0,
    acc_unit: str = "g",
    gyro_unit: str = "rad/s",
) -> bytes:
    """Give samples (n, 6) as a message that decodes to the very same numbers; what is not finite goes as null."""
    rows = np.asarray(values, np.float64).reshape(-1, CHANNELS).tolist()
    block = {
        "t": start_s,
        "hz": rate_hz,
        "seq": sequence,
        "acc_unit": acc_unit,
        "gyro_unit": gyro_unit,
        "samples": [[value if math.isfinite(value) else None for value in row] for row in rows],
    }
    return msgspec.json.encode(block)
