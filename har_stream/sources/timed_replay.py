"""A recording whose times are not uniform, in blocks that the pipeline takes as it took the device's own.

Uniform stretches become SampleBlocks again, everything else TimedBlocks. Blocks end where times go back, for what is
late in the file came late, and before a silence; samples with one time stay together.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np
from numpy.typing import NDArray

from har_stream.datasets import Recording
from har_stream.datasets.recording_times import stretches
from har_stream.samples import Block, SampleBlock, TimedBlock
from har_stream.sources.source import Timeline, block_samples

SILENCE_S: Final = 0.5
"""What came before a longer step does not wait for what came after it."""
SET_BACK_S: Final = 2.0
"""A clock that goes back by more was set; the replay goes on from there."""
LONGEST_SILENCE_S: Final = 3600.0
"""A longer silence is cut to this: a clock that was set forward by years must not stop the replay for as long."""

Times = NDArray[np.float64]


def timed_timeline(recording: Recording, times_s: Times, speed: float | None) -> Timeline:
    """Yield a recording's blocks, each when its last sample is due."""
    due_s = _due_s(times_s)
    for block, last in _blocks(recording, times_s, block_samples(speed, recording.rate_hz)):
        yield float(due_s[last]), [block]


def duration_s(recording: Recording) -> float:
    """Return how long a recording takes."""
    if recording.times_s is None:
        return len(recording.values) / recording.rate_hz
    return float(_due_s(recording.times_s)[-1]) + 1 / recording.rate_hz


def clock_span_s(recording: Recording) -> float:
    """Return from which to which time a recording's clock goes."""
    if recording.times_s is None:
        return duration_s(recording)
    return float(np.ptp(recording.times_s)) + 1 / recording.rate_hz


def _due_s(times_s: Times) -> Times:
    """Return when each sample is due, in s from the first: never before one that is before it in the file."""
    steps_s = np.diff(times_s, prepend=times_s[0])
    set_back = np.flatnonzero(steps_s < -SET_BACK_S)
    due_s = np.empty_like(times_s)
    begun_s = 0.0
    for start, stop in zip([0, *set_back.tolist()], [*set_back.tolist(), len(times_s)], strict=True):
        newest_s = np.maximum.accumulate(times_s[start:stop])
        taken_s = np.minimum(np.diff(newest_s, prepend=newest_s[0]), LONGEST_SILENCE_S)
        due_s[start:stop] = begun_s + np.cumsum(taken_s)
        begun_s = float(due_s[stop - 1])
    return due_s


def _blocks(recording: Recording, times_s: Times, samples: int) -> Iterator[tuple[Block, int]]:
    """Yield blocks of about so many samples, and which is the last sample of each."""
    found = stretches(times_s, recording.rate_hz)
    if found is None:
        for start, stop in _cuts(times_s, samples):
            yield _timed(recording, times_s, slice(start, stop)), stop - 1
        return
    rate_hz, parts = found
    for part in parts:
        for start in range(part.start, part.stop, samples):
            stop = min(part.stop, start + samples)
            yield _uniform(recording, times_s, rate_hz, slice(start, stop)), stop - 1


def _cuts(times_s: Times, samples: int) -> Iterator[tuple[int, int]]:
    """Yield where blocks start and stop."""
    steps_s = np.diff(times_s)
    breaks = np.flatnonzero((steps_s < 0) | (steps_s > SILENCE_S)) + 1
    forward = np.flatnonzero(steps_s != 0) + 1
    for first, end in zip([0, *breaks.tolist()], [*breaks.tolist(), len(times_s)], strict=True):
        start = first
        while start < end:
            at = int(np.searchsorted(forward, start + samples))
            stop = min(end, int(forward[at]) if at < len(forward) else end)
            yield start, stop
            start = stop


def _uniform(recording: Recording, times_s: Times, rate_hz: float, part: slice) -> SampleBlock:
    truth = None if recording.truth is None else recording.truth[part]
    start_s = float(times_s[part.start])
    return SampleBlock(recording.device, part.start, start_s, rate_hz, recording.values[part], truth)


def _timed(recording: Recording, times_s: Times, part: slice) -> TimedBlock:
    # No rate: that of the median step may not be what the device's first samples gave.
    truth = None if recording.truth is None else recording.truth[part]
    return TimedBlock(recording.device, times_s[part], recording.values[part], None, truth)
