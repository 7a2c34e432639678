"""The types that travel along the stream.

A source gives SampleBlocks: consecutive samples of one device at a uniform rate; or TimedBlocks, where each sample
has a time of its own, as real devices have it, which the resampling turns into samples at the model's rate. (UCI HAR's
own rows are windows already; their replay gives WindowBlocks, which enter at the windows stage.) What a format could
not read travels as Refused, so that it is in the books. From the classifier on, Predictions travel.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

Samples = NDArray[np.float32]
Codes = NDArray[np.uint8]
Rows = NDArray[np.intp]

SENSOR_AXES: Final = 6
"""acc x y z in g, gyro x y z in rad/s."""

RATE_TOLERANCE: Final = 1e-3
MS: Final = 1000
"""Milliseconds in a second."""


@dataclass(slots=True)  # to freeze it would treble its cost, which is paid for each message
class SampleBlock:
    """Consecutive samples of one device at a uniform rate.

    start_s is the time of the first sample in the device's own clock; values has shape (n, 6): acceleration
    x y z in g with gravity, angular rate x y z in rad/s. truth, in recordings that carry labels, holds a code
    of har_stream.activities for each sample.
    """

    device: str
    sequence: int
    start_s: float
    rate_hz: float
    values: Samples
    truth: Codes | None = None

    @property
    def samples(self) -> int:
        """Number of samples, as the accounting counts them."""
        return len(self.values)


@dataclass(slots=True)  # not frozen, as above
class FleetBlock:
    """A SampleBlock of each of d devices, no device twice: as long, at one rate and without truth.

    sequence and start_s have shape (d,), values (d, n, 6). Many devices' samples travel so in one piece.
    """

    devices: list[str]
    sequence: NDArray[np.int64]
    start_s: NDArray[np.float64]
    rate_hz: float
    values: Samples

    @property
    def samples(self) -> int:
        """Number of samples, as the accounting counts them."""
        return len(self.devices) * int(self.values.shape[1])

    def only(self, chosen: NDArray[np.bool_]) -> FleetBlock:
        """Return the devices that a mask (d,) chooses."""
        devices = [device for device, one in zip(self.devices, chosen.tolist(), strict=True) if one]
        return FleetBlock(devices, self.sequence[chosen], self.start_s[chosen], self.rate_hz, self.values[chosen])

    def singles(self) -> list[SampleBlock]:
        """Return the devices' blocks one by one."""
        columns = self.devices, self.sequence.tolist(), self.start_s.tolist(), self.values
        return [
            SampleBlock(device, sequence, start_s, self.rate_hz, values)
            for device, sequence, start_s, values in zip(*columns, strict=True)
        ]


@dataclass(frozen=True, slots=True)
class WindowBlock:
    """Consecutive windows of one device, filtered elsewhere (UCI HAR's Inertial Signals).

    values has shape (w, window, 9): body_acc x y z in g, body_gyro x y z in rad/s, total_acc x y z in g;
    start_s (w,) the time of each window's first sample; continues (w,) tells whether a window follows the one
    before it by a hop, without a break; truth (w,) the activity codes.
    """

    device: str
    start_s: NDArray[np.float64]
    continues: NDArray[np.bool_]
    values: Samples
    hop: int
    truth: Codes | None = None

    @property
    def fresh(self) -> NDArray[np.int64]:
        """Number of samples (w,) of each window that the one before it did not hold."""
        return np.where(self.continues, self.hop, self.values.shape[1])

    @property
    def samples(self) -> int:
        """Number of samples, as the accounting counts them."""
        return int(self.fresh.sum())


@dataclass(slots=True)  # not frozen, as above
class TimedBlock:
    """Consecutive samples of one device, each with its time.

    times_s (n,) in the device's own clock: neither uniform nor at the model's rate nor surely in order; values (n, 6)
    and truth (n,) as in a SampleBlock; rate_hz is what the device says of its rate, None where it says nothing.
    """

    device: str
    times_s: NDArray[np.float64]
    values: Samples
    rate_hz: float | None = None
    truth: Codes | None = None

    @property
    def samples(self) -> int:
        """Number of samples, as the accounting counts them."""
        return len(self.values)


@dataclass(frozen=True, slots=True)
class Refused:
    """What came from a device and is no sample: corrupt frames, lines that are none. Each counts as a sample."""

    device: str
    reason: str
    samples: int = 1


Block = SampleBlock | TimedBlock | WindowBlock | Refused
"""What comes of one device."""

Tick = Sequence[Block | FleetBlock]
"""What comes at a time; each device's in order."""


def singly(tick: Tick) -> Iterator[Block]:
    """Yield a tick's blocks device by device."""
    for block in tick:
        if isinstance(block, FleetBlock):
            yield from block.singles()
        else:
            yield block


def count(tick: Tick) -> int:
    """Return how many blocks of single devices a tick holds."""
    return sum(len(block.devices) if isinstance(block, FleetBlock) else 1 for block in tick)


def shifted(block: Block, offset_s: float) -> Block:
    """Return a block as if it had come offset_s later in its device's clock."""
    if isinstance(block, Refused):
        return block
    if isinstance(block, TimedBlock):
        return replace(block, times_s=block.times_s + offset_s)
    return replace(block, start_s=block.start_s + offset_s)  # type: ignore[arg-type]  # each has its own kind of time


def with_times(block: SampleBlock) -> TimedBlock:
    """Return a block with a time for each of its samples."""
    times_s = block.start_s + np.arange(block.samples) / block.rate_hz
    return TimedBlock(block.device, times_s, block.values, block.rate_hz, block.truth)


def same_rate(rate_hz: float, other_hz: float) -> bool:
    """Tell whether two sampling rates are one, but for what a clock may be off."""
    return abs(rate_hz - other_hz) <= RATE_TOLERANCE * other_hz


class Settled(msgspec.Struct, gc=False):
    """The smoother's last word on a span of time, end exclusive."""

    start_s: float
    end_s: float
    label: str


class Prediction(msgspec.Struct, gc=False):  # and bytes in it: a dataclass with a dict takes twice the memory in queues
    """What one window says, and what is in force after it.

    start_s and end_s are the times of the window's first and last sample in the device's clock. raw is the
    classifier's word on this window alone, confidence its probability; shares holds the probability of each of the
    model's labels as a float32, in their order; what these lack to 1 is that of a postural transition, where the model
    tells these; label is the one in force now; settled the last word on an earlier span, None until there is one. truth
    is None where the recording has no label; has_truth tells a labelled recording's unlabelled span from a stream that
    carries no labels at all. wall_s is when the window ended in s since the epoch (har_stream.wall_clock), 0 where
    nobody has said; since_s, in the device's clock, the end of the window from which on the label has been in force
    (har_stream.lasting).
    """

    device: str
    start_s: float
    end_s: float
    raw: str
    label: str
    labels: tuple[str, ...]
    shares: bytes
    settled: Settled | None
    truth: str | None = None
    has_truth: bool = False
    wall_s: float = 0.0
    since_s: float = 0.0

    @property
    def id(self) -> str:
        """The window's own id: the device and the window's start in ms, so that a receiver can drop doubles."""
        return f"{self.device}-{round(self.start_s * MS)}"

    @property
    def confidence(self) -> float:
        """The classifier's probability of its raw label."""
        return self.probability(self.raw)

    @property
    def probabilities(self) -> dict[str, float]:
        """The classifier's probability of each label."""
        return dict(zip(self.labels, memoryview(self.shares).cast("f").tolist(), strict=True))

    def probability(self, label: str) -> float:
        """Return the classifier's probability of a label. Raises ValueError for one that the model does not know."""
        return memoryview(self.shares).cast("f")[self.labels.index(label)]
