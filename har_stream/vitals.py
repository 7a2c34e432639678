"""How the stream and each of its parts stand, as read at one moment by whoever watches it.

A condition is "" where all is well, else what is wrong, in words.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from har_stream.accounting import Books
from har_stream.device_books import DeviceReading
from har_stream.latency import Distribution
from har_stream.plausibility import Suspicion
from har_stream.presence import Present


@dataclass(frozen=True, slots=True)
class Reading:
    """The engine's books between two ticks: samples in = used + refused + dropped + buffered.

    labels counts the windows that were given each label; inference how long the model's calls took; of_devices are the
    books of a few devices, if asked for. late tells that the engine, at one tick for long, does not let them be read,
    and that these are what was read before.
    """

    books: Books
    buffered: int
    present: Present
    suspicions: dict[str, Suspicion]
    labels: dict[str, int]
    inference: Distribution
    of_devices: tuple[DeviceReading, ...] = ()
    late: bool = False


@dataclass(frozen=True, slots=True)
class ModelVitals:
    """The model: what computes it, the SHA-256 of its weights, and all labels that may come out."""

    name: str
    engine: str
    sha256: str
    labels: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class QueueVitals:
    """What waits in a queue, and how much may."""

    name: str
    waiting: int
    limit: int


@dataclass(frozen=True, slots=True)
class SinkVitals:
    """A sink, the labels that it took and lost and that wait for it, of which `limit` may.

    latency is how long labels took from the arrival of their samples until the sink had them.
    """

    name: str
    condition: str
    written: int
    dropped: int
    waiting: int
    limit: int
    latency: Distribution


@dataclass(frozen=True, slots=True)
class RecordingVitals:
    """The recorder, and the samples that it wrote and lost."""

    condition: str
    recorded: int
    lost: int
    files: int


@dataclass(frozen=True, slots=True)
class WorkerVitals:
    """How many workers there are to be, the processes of those that run, and how often one that died began anew."""

    wanted: int
    pids: tuple[int, ...]
    restarts: int


@dataclass(frozen=True, slots=True)
class Vitals:
    """All parts; recording is None where nothing is recorded, state the condition of the file that keeps devices.

    elsewhere counts the messages, or blocks, that were left to other shards, None where there are none; workers is None
    where one process is all.
    """

    model: ModelVitals
    ending: bool
    stream: Reading
    max_devices: int
    source: str
    reconnects: int
    queues: tuple[QueueVitals, ...]
    sinks: tuple[SinkVitals, ...]
    recording: RecordingVitals | None
    state: str
    elsewhere: int | None = None
    workers: WorkerVitals | None = None


class Watched(Protocol):
    """A stream that can be watched, from any thread. All but vitals() answer at once, whatever the engine does."""

    @property
    def alive(self) -> bool:
        """Tell whether the engine's thread lives."""

    @property
    def engine_beat_s(self) -> float:
        """When the engine last took a turn, by time.monotonic()."""

    @property
    def source_condition(self) -> str:
        """Why no samples can come in."""

    def vitals(self) -> Vitals:
        """Return how all parts stand."""
