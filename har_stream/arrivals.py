"""Samples as they came, in an order of which a replay makes the same stream.

Of a device's samples with times of their own that shared a tick, the pipeline knows no order but that of their times:
they are put in it. What is late by then, for it came in a later tick, goes back in time, and a replay begins a block
there. Samples at the very time of one of an earlier tick are refused by every pipeline and would in a replay look as
if they shared its tick: they are left out.
"""

from __future__ import annotations

import numpy as np

from har_stream.activities import UNLABELLED
from har_stream.intake import HIGHEST_RATE_HZ, LATEST_S, LOWEST_RATE_HZ
from har_stream.ordering import Run, joined, split_where_set_back
from har_stream.samples import SampleBlock, TimedBlock, with_times


def placeable(block: SampleBlock) -> bool:
    """Tell whether a block has a lawful rate and time, without which its samples have none."""
    return LOWEST_RATE_HZ <= block.rate_hz <= HIGHEST_RATE_HZ and abs(block.start_s) <= LATEST_S


def uniform(block: SampleBlock) -> Run:
    """Return a block's samples with their times."""
    return _run(with_times(block))


def timed(blocks: list[TimedBlock], newest_s: float, *, rewind_s: float) -> tuple[Run, float]:
    """Return the samples of one tick that have a lawful time, and the time of the newest good one.

    newest_s is that of earlier ticks, NaN where there were none; a clock behind by more than rewind_s was set back.
    """
    run = joined([_run(block) for block in blocks])
    parts = []
    for part in split_where_set_back(run.only(np.abs(run.times_s) <= LATEST_S), newest_s, rewind_s):
        if not part.times_s[0] >= newest_s - rewind_s:
            newest_s = np.nan
        ordered = part.only(np.argsort(part.times_s, kind="stable"))
        ordered = ordered.only(ordered.times_s != newest_s)
        good = np.flatnonzero(np.isfinite(ordered.values).all(axis=1))
        if len(good):
            newest_s = float(np.fmax(newest_s, ordered.times_s[good[-1]]))
        parts.append(ordered)
    return joined(parts) if parts else run.only(slice(0)), newest_s


def _run(block: TimedBlock) -> Run:
    truth = np.full(block.samples, UNLABELLED, np.uint8) if block.truth is None else block.truth
    return Run(block.times_s, block.values, truth)
