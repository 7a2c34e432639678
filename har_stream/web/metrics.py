"""The books as Prometheus' text. Read when asked for: nothing is counted here, and no sample costs anything for it.

Labels are names of the user's configuration, the model's labels, and reasons of our own. What comes off the wire, such
as a device's id, is never one: whoever sends could make as many series as they like.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, InfoMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.registry import Collector, CollectorRegistry

from har_stream import __version__
from har_stream.plausibility import Suspicion
from har_stream.vitals import Reading, RecordingVitals, Vitals

KIND: Final = CONTENT_TYPE_LATEST
PREFIX: Final = "har_stream_"

Series = Mapping[tuple[str, ...], int]


def exposition(vitals: Vitals) -> bytes:
    """Return all metrics."""
    registry = CollectorRegistry()
    registry.register(_Once(vitals))
    return generate_latest(registry)


class _Once(Collector):
    """The metrics of one moment."""

    def __init__(self, vitals: Vitals) -> None:
        self._vitals = vitals

    def collect(self) -> Iterable[Metric]:
        """Yield every family."""
        vitals = self._vitals
        yield _info("build", "The version that runs.", {"version": __version__})
        yield _info("model", "The model that labels.", {"name": vitals.model})
        yield from _of_stream(vitals.stream)
        yield _gauge("source_connected", "1 where samples can come in.", int(not vitals.source))
        yield _counter("source_reconnects", "Times that the source was lost and came back.", vitals.reconnects)
        yield _sinks(vitals)
        if vitals.recording is not None:
            yield from _of_recording(vitals.recording)


def _of_stream(reading: Reading) -> Iterator[Metric]:
    books = reading.books
    yield _counter("samples_in", "Samples that the source brought.", books.samples_in)
    fates: dict[tuple[str, ...], int] = {("used", ""): books.used}
    fates |= {("refused", reason): count for reason, count in sorted(books.refused.items())}
    fates |= {("dropped", reason): count for reason, count in sorted(books.dropped.items())}
    yield _counters(
        "samples", "What became of samples: with those buffered, as many as came in.", ("outcome", "reason"), fates
    )
    yield _gauge("samples_buffered", "Samples that wait for their first window.", reading.buffered)
    yield _counter("samples_bridged", "Samples interpolated in short gaps.", books.bridged)
    yield _counter("windows", "Windows that were classified.", sum(reading.labels.values()))
    labels: Series = {(label,): count for label, count in sorted(reading.labels.items())}
    yield _counters("predictions", "Windows by the label in force.", ("label",), labels)
    yield _gauge("devices", "Devices that have a place in the stream.", reading.devices)
    suspected = Counter(reading.suspicions.values())
    yield _labelled(
        GaugeMetricFamily(f"{PREFIX}suspicious_devices", "Devices whose samples look wrong.", labels=("suspicion",)),
        {(one.name.lower(),): suspected[one] for one in Suspicion if one},
    )


def _sinks(vitals: Vitals) -> Metric:
    labels: Counter[tuple[str, ...]] = Counter()  # two sinks may have one name
    for sink in vitals.sinks:
        name = sink.name.encode(errors="replace").decode()  # a file's name may be no UTF-8
        labels[name, "written"] += sink.written
        labels[name, "dropped"] += sink.dropped
    return _counters("sink_labels", "What became of labels at each sink.", ("sink", "outcome"), labels)


def _of_recording(recording: RecordingVitals) -> Iterator[Metric]:
    samples: Series = {("recorded",): recording.recorded, ("lost",): recording.lost}
    yield _counters("recording_samples", "What became of samples to be recorded.", ("outcome",), samples)
    yield _counter("recording_files", "Recordings that were begun.", recording.files)
    yield _gauge("recording_failing", "1 where recordings cannot be written.", int(bool(recording.condition)))


def _info(name: str, what: str, value: dict[str, str]) -> Metric:
    return InfoMetricFamily(f"{PREFIX}{name}", what, value=value)


def _gauge(name: str, what: str, value: int) -> Metric:
    return GaugeMetricFamily(f"{PREFIX}{name}", what, value=value)


def _counter(name: str, what: str, value: int) -> Metric:
    return CounterMetricFamily(f"{PREFIX}{name}", what, value=value)


def _counters(name: str, what: str, labels: tuple[str, ...], series: Series) -> Metric:
    return _labelled(CounterMetricFamily(f"{PREFIX}{name}", what, labels=labels), series)


def _labelled(family: CounterMetricFamily | GaugeMetricFamily, series: Series) -> Metric:
    for labels, value in series.items():
        family.add_metric(labels, value)
    return family
