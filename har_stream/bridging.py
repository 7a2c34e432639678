"""Gaps in samples at the model's rate: a short one is bridged by a straight line, a longer one resets what follows.

Samples without a gap pass through unchanged, bit for bit.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from har_stream.activities import UNLABELLED
from har_stream.batch import NEW, Batch
from har_stream.samples import SENSOR_AXES


@dataclass(slots=True)  # not frozen, which would cost more than some of its arrays, for each batch
class UniformBatch:
    """A batch without gaps inside; begins (d,) marks devices whose stream begins anew.

    The first `bridged` samples of each device are interpolated, no sensor gave them.
    """

    batch: Batch
    begins: np.ndarray[tuple[int], np.dtype[np.bool_]]
    bridged: int = 0


class Bridging:
    """The last sample of `rows` devices, from which a gap is bridged."""

    def __init__(self, *, rate_hz: float, max_gap_s: float, rows: int) -> None:
        self._rate_hz = rate_hz
        self._max_gap = round(max_gap_s * rate_hz)
        self._last = np.zeros((rows, SENSOR_AXES), np.float32)

    def push(self, batch: Batch) -> Iterator[UniformBatch]:
        """Take a batch with its `missing`, give it with gaps bridged or marked as beginnings."""
        bridge = (batch.missing > 0) & (batch.missing <= self._max_gap)
        if bridge.any():
            for single in batch.only(bridge).singles():
                yield UniformBatch(self._bridge(single), np.array([False]), int(single.missing[0]))
            batch = batch.only(~bridge)
        if len(batch.rows):
            self._last[batch.rows] = batch.values[:, -1]
            yield UniformBatch(batch, (batch.missing == NEW) | (batch.missing > self._max_gap))

    def _bridge(self, single: Batch) -> Batch:
        """Put interpolated samples before one device's block."""
        missing = int(single.missing[0])
        before, after = self._last[single.rows], single.values[:, 0]
        share = (np.arange(1, missing + 1) / (missing + 1))[np.newaxis, :, np.newaxis]
        filled = (before[:, np.newaxis] + share * (after - before)[:, np.newaxis]).astype(np.float32)
        self._last[single.rows] = single.values[:, -1]
        return replace(
            single,
            start_s=single.start_s - missing / self._rate_hz,
            values=np.concatenate([filled, single.values], axis=1),
            truth=np.concatenate([np.full((1, missing), UNLABELLED, np.uint8), single.truth], axis=1),
        )
