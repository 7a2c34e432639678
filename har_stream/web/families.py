"""Families of metrics in Prometheus' terms, all with one prefix."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import Final, TypeVar

from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    InfoMetricFamily,
    Metric,
)
from prometheus_client.utils import floatToGoString

from har_stream.latency import Distribution

PREFIX: Final = "har_stream_"

Labels = TypeVar("Labels", bound=tuple[str, ...])
"""What the labels of a series say."""


def info(name: str, what: str, value: dict[str, str]) -> Metric:
    """Return facts."""
    return InfoMetricFamily(f"{PREFIX}{name}", what, value=value)


def gauge(name: str, what: str, value: float) -> Metric:
    """Return a value that may go up and down."""
    return GaugeMetricFamily(f"{PREFIX}{name}", what, value=value)


def counter(name: str, what: str, value: float) -> Metric:
    """Return a count."""
    return CounterMetricFamily(f"{PREFIX}{name}", what, value=value)


def gauges(name: str, what: str, labels: tuple[str, ...], series: Mapping[Labels, float]) -> Metric:
    """Return values that may go up and down, by their labels."""
    return _labelled(GaugeMetricFamily(f"{PREFIX}{name}", what, labels=labels), series)


def counters(name: str, what: str, labels: tuple[str, ...], series: Mapping[Labels, float]) -> Metric:
    """Return counts by their labels."""
    return _labelled(CounterMetricFamily(f"{PREFIX}{name}", what, labels=labels), series)


def histograms(name: str, what: str, labels: tuple[str, ...], series: Mapping[Labels, Distribution]) -> Metric:
    """Return distributions by their labels."""
    family = HistogramMetricFamily(f"{PREFIX}{name}", what, labels=labels)
    for values, told in series.items():
        edges = (*map(floatToGoString, told.bounds_s), "+Inf")
        totals = map(float, itertools.accumulate(told.counts))
        family.add_metric(values, list(zip(edges, totals, strict=True)), told.sum_s)
    return family


def text(name: str) -> str:
    """Return what can stand in a label: a file's name may be no UTF-8."""
    return name.encode(errors="replace").decode()


def _labelled(family: CounterMetricFamily | GaugeMetricFamily, series: Mapping[Labels, float]) -> Metric:
    for labels, value in series.items():
        family.add_metric(labels, value)
    return family
