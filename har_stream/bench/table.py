"""Figures as a table for people."""

from __future__ import annotations

from collections.abc import Iterator

from rich.box import SIMPLE_HEAD
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from har_stream.bench.figures import Figures, Overload

Row = tuple[str, str, str]


def report(figures: Figures) -> RenderableType:
    """Return what is there of the figures, with the machine above and what could not be measured below."""
    told = Table("", "figure", "", box=SIMPLE_HEAD)
    told.columns[1].justify = "right"
    for section in (_one_device, _many, _stages, _process, _models, _overload):
        rows = list(section(figures))
        for row in rows:
            told.add_row(*row)
        if rows:
            told.add_section()
    parts: list[RenderableType] = [Text(_title(figures), style="bold")]
    parts += [told] if told.row_count else []
    return Group(*parts, *(Text(note, style="yellow") for note in figures.notes))


def _title(figures: Figures) -> str:
    versions = figures.versions
    commit = f", commit {figures.commit[:12]}" if figures.commit else ""
    cores = "1 core" if figures.cores == 1 else f"{figures.cores} cores"
    return (
        f"{figures.processor}, {cores}; har-stream {versions.get('har-stream')}, {figures.model}{commit}; "
        f"Python {versions.get('python')}, ONNX Runtime {versions.get('onnxruntime')}"
    )


def _one_device(figures: Figures) -> Iterator[Row]:
    if (ms := figures.latency_ms) is not None:
        yield "one live device: sample to label", f"{ms.p50:.2f} ms", "median"
        yield "", f"{ms.p99:.2f} ms", "99 of 100"
        yield "", f"{ms.max:.2f} ms", "longest"


def _many(figures: Figures) -> Iterator[Row]:
    for devices, each in (figures.devices_per_core or {}).items():
        plural = "" if devices == "1" else "s"
        yield f"people a core serves, {int(devices):,} device{plural} at a time", f"{each:,.0f}", "in this process"
    if figures.mqtt_devices_per_core is not None:
        yield "people a core serves, through a broker", f"{figures.mqtt_devices_per_core:,.0f}", _load(figures)


def _load(figures: Figures) -> str:
    load = figures.mqtt
    return (
        f"{load.devices * load.speed:,.0f} at a time; {load.received:,} of {load.sent:,} samples arrived"
        if load
        else ""
    )


def _stages(figures: Figures) -> Iterator[Row]:
    stages = figures.stages_us or {}
    whole_us = sum(stages.values())
    for stage, us in stages.items():
        yield f"a second of one device: {stage}", f"{us:.1f} us", f"{us / whole_us:.0%}"
    if stages:
        yield "a second of one device: all", f"{whole_us:.1f} us", ""


def _process(figures: Figures) -> Iterator[Row]:
    if figures.startup_s is not None:
        yield "start to first label", f"{figures.startup_s:.2f} s", ""
    if figures.rss_mb is not None:
        yield "memory at rest", f"{figures.rss_mb:.0f} MB", ""
    if figures.bytes_per_device is not None:
        yield "memory for each device", f"{figures.bytes_per_device / 1000:.1f} kB", ""


def _models(figures: Figures) -> Iterator[Row]:
    for model, us in (figures.models_us or {}).items():
        yield f"a window on {model}", f"{us:.1f} us", ""


def _overload(figures: Figures) -> Iterator[Row]:
    one: Overload | None = figures.overload
    if one is None:
        return
    not_used = ", ".join(f"{reason} {count:,}" for reason, count in one.not_used.items()) or "nothing"
    yield f"overload: {one.offered_devices:,.0f} people for {one.seconds:.0f} s", f"{one.sent:,}", "samples sent"
    yield "", f"{one.received:,}", f"arrived; the broker lost {one.lost_before:,}"
    yield "of these not used", f"{sum(one.not_used.values()):,}", not_used
    yield "labels that came", f"{one.labels:,}", f"{one.served_share:.0%} of what all that was sent would have given"
    kept = f"{one.capacity_kept:.0%} of the {one.per_core:,.0f} that it serves without overload"
    yield "people a core served meanwhile", f"{one.capacity_kept * one.per_core:,.0f}", kept
    if one.label_lag_s is not None:
        yield (
            "lag of these labels",
            f"{one.label_lag_s.p50:.2f} s",
            f"at most {one.label_lag_s.max:.2f} s; sender late by {one.sender_late_s:.2f} s",
        )
    yield "memory", f"{one.rss_mb_most:.0f} MB", f"before {one.rss_mb_before:.0f} MB"
    yield "answer of /metrics", f"{one.answer_s:.2f} s", "longest"
    yield "empty queue after its end", _seconds(one.drained_s), ""
    yield "label in time after its end", _seconds(one.recovery_s), ""


def _seconds(seconds: float | None) -> str:
    return "never" if seconds is None else f"{seconds:.1f} s"
