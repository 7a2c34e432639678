"""What tests of formats share: pushing bytes in any cut, and adding up what comes out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from har_stream.formats.format import Decoded, Decoder, Readings, Refusal, SensorRows

GARBAGE = st.binary(max_size=300)
SAMPLES = arrays(np.float32, st.tuples(st.integers(1, 8), st.just(6)), elements=st.floats(-1000, 1000, width=32))


def values_of(decoded: Sequence[Decoded]) -> NDArray[np.float64]:
    """All readings as one array (n, 6)."""
    held = [one.values for one in decoded if isinstance(one, Readings)]
    return np.concatenate(held).astype(np.float64) if held else np.empty((0, 6))


def times_of(decoded: Sequence[Decoded]) -> list[float]:
    return [time for one in decoded if isinstance(one, Readings) and one.times_s is not None for time in one.times_s]


def refused(decoded: Sequence[Decoded]) -> dict[str, int]:
    counts: Counter[str] = Counter()
    for one in decoded:
        if isinstance(one, Refusal):
            counts[one.reason] += one.count
    return dict(counts)


def rows_of(decoded: Sequence[Decoded]) -> dict[str, SensorRows]:
    return {one.sensor: one for one in decoded if isinstance(one, SensorRows)}


def in_pieces(decoder: Decoder, data: bytes, size: int) -> list[Decoded]:
    return [one for at in range(0, len(data), size) for one in decoder.push(data[at : at + size])]


def same_in_any_cut(make: Callable[[], Decoder], data: bytes, sizes: Sequence[int] = (1, 2, 7, 50)) -> None:
    """Check that it does not matter how bytes are cut."""
    whole = make().push(data)
    for size in sizes:
        cut = in_pieces(make(), data, size)
        assert np.array_equal(values_of(cut), values_of(whole), equal_nan=True)
        assert times_of(cut) == times_of(whole)
        assert refused(cut) == refused(whole)
