"""The books as Prometheus' text. Read when asked for: nothing is counted here, and no sample costs anything for it.

Labels are names of the user's configuration, the model's labels, and reasons of our own. What comes off the wire is
never one, for whoever sends could make as many series as they like - but for ids of devices where metrics.per_device
lets some in, which the stream has found lawful.

What an alarm looks for is there from the start with 0: Prometheus sees no increase in what was not there before.
"""

from __future__ import annotations

import os
import platform
import sys
import time
from collections.abc import Iterable, Iterator
from functools import partial
from typing import Final

from prometheus_client import ProcessCollector
from prometheus_client.core import Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.registry import Collector, CollectorRegistry

from har_stream import __version__
from har_stream.activities import UNKNOWN
from har_stream.vitals import ModelVitals, Reading, RecordingVitals, Watched, WorkerVitals
from har_stream.web.families import counter, counters, gauge, gauges, histograms, info
from har_stream.web.series import of_devices, of_queues, of_sinks, of_suspicions

KIND: Final = CONTENT_TYPE_LATEST
LIBRARIES: Final = ("numpy", "onnxruntime", "tensorflow")
"""Named by their versions where they are loaded."""

FATES: Final = (
    ("used", ""),
    *(("refused", reason) for reason in ("device_id", "late", "max_devices", "not_finite", "out_of_range", "repeated")),
    *(("refused", reason) for reason in ("overdue", "overload", "payload_size", "retained")),
    *(("refused", reason) for reason in ("source_full", "unaligned")),
    *(("dropped", reason) for reason in ("evicted", "gap", "queue_full", "shutdown", "worker_died")),
)
"""Of samples, the usual ones; others come as they happen."""


def exposition(stream: Watched) -> bytes:
    """Return all metrics."""
    registry = CollectorRegistry()
    registry.register(_Once(stream))
    return generate_latest(registry)


class _Once(Collector):
    """The metrics of one moment."""

    def __init__(self, stream: Watched) -> None:
        self._stream = stream

    def describe(self) -> Iterable[Metric]:
        """Name nothing beforehand, which would ask the stream twice."""
        return ()

    def collect(self) -> Iterable[Metric]:
        """Yield every family."""
        vitals = self._stream.vitals()
        yield _build()
        yield from _of_processes((os.getpid(), *(vitals.workers.pids if vitals.workers is not None else ())))
        yield from _of_model(vitals.model, vitals.stream)
        yield gauge("engine_alive", "1 while the engine's thread lives.", int(self._stream.alive))
        age_s = max(0.0, time.monotonic() - self._stream.engine_beat_s)
        yield gauge("engine_beat_age_seconds", "Time since the engine's last turn; above 1 it is held up.", age_s)
        yield from _of_samples(vitals.stream)
        yield from _of_devices(vitals.stream, vitals.max_devices)
        yield gauge("source_connected", "1 where samples can come in.", int(not vitals.source))
        if vitals.elsewhere is not None:
            yield counter("elsewhere", "Messages of devices that other shards serve.", vitals.elsewhere)
        yield counter("source_reconnects", "Times that the source was lost and came back.", vitals.reconnects)
        yield from of_queues(vitals)
        yield from of_sinks(vitals.sinks)
        yield gauge("state_failing", "1 where what was learned about devices cannot be kept.", int(bool(vitals.state)))
        if vitals.workers is not None:
            yield from _of_workers(vitals.workers)
        if vitals.recording is not None:
            yield from _of_recording(vitals.recording)


def _build() -> Metric:
    versions = {name: getattr(sys.modules.get(name), "__version__", "") for name in LIBRARIES}
    loaded = {name: version for name, version in versions.items() if version}
    own = {"version": __version__, "python": platform.python_version()}
    return info("build", "What runs, by its version.", own | loaded)


def _of_processes(pids: Iterable[int]) -> Iterator[Metric]:
    """Yield what the system knows of processes, added up; they began when the first of them did."""
    families: dict[str, Metric] = {}
    for pid in pids:
        for family in ProcessCollector(pid=partial(int, pid), registry=None).collect():
            before = families.setdefault(family.name, family)
            if before is not family:
                join = min if "start_time" in family.name else sum
                pairs = zip(before.samples, family.samples, strict=True)
                before.samples = [one._replace(value=join((one.value, other.value))) for one, other in pairs]
    yield from families.values()


def _of_model(model: ModelVitals, reading: Reading) -> Iterator[Metric]:
    facts = {"name": model.name, "engine": model.engine, "sha256": model.sha256}
    yield info("model", "The model that labels, and the SHA-256 of its weights.", facts)
    labels = dict.fromkeys((*model.labels, UNKNOWN), 0) | reading.labels
    yield counter("windows", "Windows that were classified.", sum(labels.values()))
    series = {(label,): count for label, count in sorted(labels.items())}
    yield counters("predictions", "Windows by the label in force.", ("label",), series)
    took = {(): reading.inference}
    yield histograms("inference_latency_seconds", "Time of a call of the model, for all windows of a tick.", (), took)


def _of_samples(reading: Reading) -> Iterator[Metric]:
    books = reading.books
    yield counter("samples_in", "Samples that the source brought.", books.samples_in)
    fates = dict.fromkeys(FATES, 0) | {("used", ""): books.used}
    fates |= {("refused", reason): count for reason, count in sorted(books.refused.items())}
    fates |= {("dropped", reason): count for reason, count in sorted(books.dropped.items())}
    what = "What became of samples: with those buffered, as many as came in."
    yield counters("samples", what, ("outcome", "reason"), fates)
    yield gauge("samples_buffered", "Samples that wait for their first window.", reading.buffered)
    yield counter("samples_bridged", "Samples interpolated in short gaps.", books.bridged)


def _of_devices(reading: Reading, max_devices: int) -> Iterator[Metric]:
    states = ("streaming", "suspicious", "stale", "refused")
    series = {(state,): getattr(reading.present, state) for state in states}
    yield gauges("devices", "Devices by state; all but those refused have a place in the stream.", ("state",), series)
    yield gauge("devices_limit", "Most devices that may have a place.", max_devices)
    yield of_suspicions(reading.suspicions)
    if reading.of_devices:
        yield from of_devices(reading.of_devices)


def _of_workers(workers: WorkerVitals) -> Iterator[Metric]:
    series = {("wanted",): workers.wanted, ("running",): len(workers.pids)}
    yield gauges("workers", "Processes that share the devices.", ("state",), series)
    yield counter("worker_restarts", "Times that a worker died and began anew.", workers.restarts)


def _of_recording(recording: RecordingVitals) -> Iterator[Metric]:
    samples = {("recorded",): recording.recorded, ("lost",): recording.lost}
    yield counters("recording_samples", "What became of samples to be recorded.", ("outcome",), samples)
    yield counter("recording_files", "Recordings that were begun.", recording.files)
    yield gauge("recording_failing", "1 where recordings cannot be written.", int(bool(recording.condition)))
