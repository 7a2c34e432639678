"""Metrics with a series for each of several parts: suspicions, queues, sinks, single devices."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from prometheus_client.core import Metric

from har_stream.device_books import DeviceReading
from har_stream.latency import Distribution
from har_stream.plausibility import Suspicion
from har_stream.vitals import SinkVitals, Vitals
from har_stream.web.families import counters, gauges, histograms, text


def of_suspicions(suspicions: Mapping[str, Suspicion]) -> Metric:
    """Return how many devices each suspicion is held against."""
    suspected = Counter(suspicions.values())
    series = {(one.name.lower(),): suspected[one] for one in Suspicion if one}
    return gauges("suspicious_devices", "Devices whose samples look wrong.", ("suspicion",), series)


def of_queues(vitals: Vitals) -> Iterator[Metric]:
    """Yield what waits in each queue: messages of a broker, blocks of samples, labels for each sink."""
    waiting: Counter[tuple[str, ...]] = Counter()  # two sinks may have one name
    limits: Counter[tuple[str, ...]] = Counter()
    for queue in vitals.queues:
        waiting[queue.name, ""], limits[queue.name, ""] = queue.waiting, queue.limit
    for sink in vitals.sinks:
        waiting["labels", text(sink.name)] += sink.waiting
        limits["labels", text(sink.name)] += sink.limit
    yield gauges("queue_length", "What waits: messages, blocks of samples, labels.", ("queue", "sink"), waiting)
    yield gauges("queue_limit", "How much may wait; then the oldest go.", ("queue", "sink"), limits)


def of_sinks(sinks: Sequence[SinkVitals]) -> Iterator[Metric]:
    """Yield how each sink stands; of several by one name as if they were one."""
    labels: Counter[tuple[str, ...]] = Counter()
    connected: dict[tuple[str, ...], int] = {}
    latency: dict[tuple[str, ...], Distribution] = {}
    for sink in sinks:
        name = text(sink.name)
        labels[name, "written"] += sink.written
        labels[name, "dropped"] += sink.dropped
        connected[name,] = min(int(not sink.condition), connected.get((name,), 1))
        latency[name,] = _joined(latency[name,], sink.latency) if (name,) in latency else sink.latency
    yield gauges("sink_connected", "1 where labels can go out.", ("sink",), connected)
    yield counters("sink_labels", "What became of labels at each sink.", ("sink", "outcome"), labels)
    what = "From the arrival of the samples that complete a window until the sink has its label."
    yield histograms("end_to_end_latency_seconds", what, ("sink",), latency)


def of_devices(devices: Sequence[DeviceReading]) -> Iterator[Metric]:
    """Yield the books of single devices. Ids are lawful: the stream refuses others."""
    windows = {(one.device,): one.windows for one in devices}
    yield counters("device_windows", "Windows of a device that were classified.", ("device",), windows)
    labels = {(one.device, one.label): 1 for one in devices}
    yield gauges("device_activity", "1 for the label of a device in force.", ("device", "label"), labels)
    offset_s = time.time() - time.monotonic()
    seen_s = {(one.device,): one.seen_s + offset_s for one in devices if one.seen_s}  # 0 where the source has no time
    yield gauges("device_last_sample_timestamp_seconds", "When a device's last samples came.", ("device",), seen_s)


def _joined(one: Distribution, other: Distribution) -> Distribution:
    counts = tuple(map(sum, zip(one.counts, other.counts, strict=True)))
    return replace(one, counts=counts, sum_s=one.sum_s + other.sum_s)
