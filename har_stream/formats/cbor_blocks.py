"""har-stream's own block as CBOR with typed arrays (RFC 8746), which costs nothing for each number.

{"t": epoch s of the first sample, "hz": rate, "seq": number of the first sample, "acc_unit", "gyro_unit",
 "val": tag 85 (float32 little-endian) or tag 77 (int16 little-endian, with "scale": one factor a channel)}

over n * 6 values, row by row: ax ay az gx gy gz.
"""

from __future__ import annotations

from typing import Any, Final, NoReturn

import cbor2
import numpy as np
from numpy.typing import ArrayLike, NDArray

from har_stream.formats.cbor_layout import Layout, learn
from har_stream.formats.format import CHANNELS, MESSAGE, SHAPE, Decoded, Readings, Refusal, Values, lawful_time
from har_stream.formats.uniform import uniform

FLOAT32: Final = 85
INT16: Final = 77
TYPE_BY_TAG: Final[dict[int, np.dtype[Any]]] = {FLOAT32: np.dtype("<f4"), INT16: np.dtype("<i2")}

DEPTH: Final = 4
"""How deep a message may nest: a map, its scale, and some room."""

LAYOUTS: Final = 4
"""Layouts that are held at most of a device: its blocks may differ in length, and their number in width."""

INT16_STEPS: Final = 32767


class _Tags(dict[int, Any]):
    """Leaves typed arrays as they are and takes every other tag for malformed: dates and regular expressions cost."""

    def __missing__(self, tag: int) -> NoReturn:
        if tag in TYPE_BY_TAG:
            raise KeyError(tag)
        raise ValueError(tag)


_TAGS: Final = _Tags()


class CborBlocksDecoder:
    """A message at a time; holds nothing but the layouts of the last few, by the length of the message."""

    def __init__(self) -> None:
        self.layouts: dict[int, Layout | None] = {}

    def push(self, data: bytes) -> list[Decoded]:
        """Take a message, give its readings or the reason why there are none."""
        layout = self.layouts.get(len(data))
        told = layout.read(data) if layout is not None else None
        if layout is None or told is None or not lawful_time(told[0]):
            return self._parsed(data)
        start_s, values = told
        return [Readings(values, None, start_s, layout.rate_hz, None, *layout.units)]

    def _parsed(self, data: bytes) -> list[Decoded]:
        """Read a message by its parser, and learn the layout of good ones of this length."""
        decoded = _decoded(data)
        if len(data) not in self.layouts and decoded and isinstance(decoded[0], Readings) and decoded[0].rate_hz:
            if len(self.layouts) == LAYOUTS:
                del self.layouts[next(iter(self.layouts))]
            self.layouts[len(data)] = learn(data, parse)
        return decoded


def _decoded(data: bytes) -> list[Decoded]:
    block = parse(data)
    if block is None:
        return [Refusal(MESSAGE)]
    values = _values(block.get("val"), block.get("scale"))
    if values is None:
        return [Refusal(SHAPE)]
    start_s, rate_hz, acc_unit, gyro_unit = map(block.get, ("t", "hz", "acc_unit", "gyro_unit"))
    if not (_number(start_s) and _number(rate_hz) and _text(acc_unit) and _text(gyro_unit)):
        return [Refusal(MESSAGE)]
    return uniform(values, start_s, rate_hz, acc_unit, gyro_unit)


def parse(data: bytes) -> dict[Any, Any] | None:
    """Return the map that a message is, None where it is something else."""
    try:
        item = cbor2.loads(
            data, semantic_decoders=_TAGS, max_depth=DEPTH, allow_duplicate_keys=False, strict_hashable_types=True
        )
    except Exception:  # noqa: BLE001 - hostile bytes choose what cbor2 raises, and all of it means the same
        return None
    return item if type(item) is dict else None


def _values(array: object, scale: object) -> Values | None:
    """Return a typed array as samples (n, 6), without copying what needs no scale."""
    if type(array) is not cbor2.CBORTag:
        return None
    kind, data = TYPE_BY_TAG.get(array.tag), array.value
    if kind is None or type(data) is not bytes or len(data) % (CHANNELS * kind.itemsize):
        return None
    values: Values = np.frombuffer(data, kind).reshape(-1, CHANNELS)
    if array.tag == FLOAT32:
        return None if scale is not None else values
    if type(scale) is not list or len(scale) != CHANNELS or not all(type(factor) in (int, float) for factor in scale):
        return None
    return np.asarray(values * np.array(scale, np.float64))


def _number(value: object) -> bool:
    """Tell whether an optional field is a number, and one that compares with floats; a bool is none."""
    return value is None or type(value) is float or type(value) is int


def _text(value: object) -> bool:
    return value is None or type(value) is str


def encode(
    values: ArrayLike,
    *,
    rate_hz: float,
    start_s: float | None = None,
    sequence: int = 0,
    acc_unit: str | None = None,
    gyro_unit: str | None = None,
    scale: ArrayLike | None = None,
) -> bytes:
    """Give samples (n, 6) as a message: rounded to float32, or with `scale` (6,) to whole steps of int16."""
    block: dict[str, Any] = {"t": start_s, "hz": rate_hz, "seq": sequence, "acc_unit": acc_unit, "gyro_unit": gyro_unit}
    samples: NDArray[np.float64] = np.asarray(values, np.float64).reshape(-1, CHANNELS)
    if scale is None:
        block["val"] = cbor2.CBORTag(FLOAT32, samples.astype("<f4").tobytes())
    else:
        factors = np.asarray(scale, np.float64)
        steps = np.clip(np.rint(samples / factors), -INT16_STEPS, INT16_STEPS).astype("<i2")
        block |= {"val": cbor2.CBORTag(INT16, steps.tobytes()), "scale": factors.tolist()}
    return cbor2.dumps({key: value for key, value in block.items() if value is not None})
