"""A stream that stands as a test says, for whoever watches it."""

from __future__ import annotations

import time

from har_stream.accounting import Books
from har_stream.latency import Distribution
from har_stream.presence import Present
from har_stream.vitals import ModelVitals, QueueVitals, Reading, RecordingVitals, SinkVitals, Vitals


def sink(name: str, condition: str = "", written: int = 4, dropped: int = 0) -> SinkVitals:
    """A sink by which a label waits, and that had three within 0.1 s and one later."""
    return SinkVitals(name, condition, written, dropped, 1, 10, Distribution((0.1, 1.0), (3, 0, 1), 5.5))


READING = Reading(
    Books(samples_in=100, used=60, refused={"not_finite": 5, "late": 1}, dropped={"gap": 4}, bridged=2),
    buffered=30,
    present=Present(streaming=1, suspicious=1, stale=2, refused=3),
    suspicions={},
    labels={"walking": 3, "unknown": 1},
    inference=Distribution((0.001, 0.01), (3, 1, 0), 0.004),
)
WELL = Vitals(
    model=ModelVitals("sway-lstm", "onnx", "ab12", ("walking", "sitting")),
    ending=False,
    stream=READING,
    max_devices=64,
    source="",
    reconnects=0,
    queues=(QueueVitals("blocks", 7, 10_000),),
    sinks=(sink("stdout:"),),
    recording=RecordingVitals("", 90, 10, 2),
    state="",
)


class Stream:
    """A stream that stands as a test says."""

    def __init__(self, vitals: Vitals, *, alive: bool = True, beat_age_s: float = 0.0) -> None:
        self.alive, self._vitals = alive, vitals
        self.engine_beat_s = time.monotonic() - beat_age_s
        self.source_condition = vitals.source

    def vitals(self) -> Vitals:
        return self._vitals
