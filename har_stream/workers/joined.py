"""The vitals of several workers as those of one stream: what they count adds up, exactly."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import fields, replace

from har_stream.accounting import Books
from har_stream.latency import Distribution
from har_stream.presence import Present
from har_stream.vitals import QueueVitals, Reading, RecordingVitals, SinkVitals, Vitals

DIED = "worker_died"
"""Why what a dead worker had in hand is lost."""


def of_dead(last: Vitals) -> Vitals:
    """Return what still counts of a worker that died: what it had waiting is dropped, and it has no devices."""
    books, buffered = last.stream.books, last.stream.buffered
    dropped = dict(Counter(books.dropped) + Counter({DIED: buffered}))
    stream = replace(
        last.stream,
        books=replace(books, dropped=dropped),
        buffered=0,
        present=Present(),
        suspicions={},
        of_devices=(),
        late=False,
    )
    sinks = tuple(
        replace(one, condition="", waiting=0, dropped=one.dropped + one.waiting, limit=0) for one in last.sinks
    )
    recording = last.recording and replace(last.recording, condition="")
    return replace(last, stream=stream, max_devices=0, source="", queues=(), sinks=sinks, recording=recording, state="")


def joined(parts: Sequence[Vitals], *, ending: bool = False) -> Vitals:
    """Return the sum of parts, at least one."""
    first = parts[0]
    recordings = [one.recording for one in parts if one.recording is not None]
    return Vitals(
        model=first.model,
        ending=ending,
        stream=_readings([one.stream for one in parts]),
        max_devices=sum(one.max_devices for one in parts),
        source=conditions(one.source for one in parts),
        reconnects=sum(one.reconnects for one in parts),
        queues=_queues([one for part in parts for one in part.queues]),
        sinks=_sinks([one for part in parts for one in part.sinks]),
        recording=_recordings(recordings) if recordings else None,
        state=conditions(one.state for one in parts),
        elsewhere=None if first.elsewhere is None else sum(one.elsewhere or 0 for one in parts),
    )


def conditions(several: Iterable[str]) -> str:
    """Return what is wrong with some, each thing once."""
    return "; ".join(dict.fromkeys(one for one in several if one))


def _readings(parts: Sequence[Reading]) -> Reading:
    return Reading(
        books=Books(
            samples_in=sum(one.books.samples_in for one in parts),
            used=sum(one.books.used for one in parts),
            refused=_counts(one.books.refused for one in parts),
            dropped=_counts(one.books.dropped for one in parts),
            bridged=sum(one.books.bridged for one in parts),
        ),
        buffered=sum(one.buffered for one in parts),
        present=Present(*(sum(getattr(one.present, field.name) for one in parts) for field in fields(Present))),
        suspicions={device: what for one in parts for device, what in one.suspicions.items()},
        labels=_counts(one.labels for one in parts),
        inference=_distribution([one.inference for one in parts]),
        of_devices=tuple(device for one in parts for device in one.of_devices),
        late=any(one.late for one in parts),
    )


def _counts(parts: Iterable[dict[str, int]]) -> dict[str, int]:
    total: Counter[str] = Counter()
    for one in parts:
        total.update(one)
    return dict(total)


def _distribution(parts: Sequence[Distribution]) -> Distribution:
    counts = tuple(map(sum, zip(*(one.counts for one in parts), strict=True)))
    return Distribution(parts[0].bounds_s, counts, sum(one.sum_s for one in parts))


def _queues(parts: Sequence[QueueVitals]) -> tuple[QueueVitals, ...]:
    names = dict.fromkeys(one.name for one in parts)
    return tuple(
        QueueVitals(
            name,
            sum(one.waiting for one in parts if one.name == name),
            sum(one.limit for one in parts if one.name == name),
        )
        for name in names
    )


def _sinks(parts: Sequence[SinkVitals]) -> tuple[SinkVitals, ...]:
    """Join those of one name: a worker may have others for a moment, while all read new settings."""
    names = dict.fromkeys(one.name for one in parts)
    return tuple(_sink([one for one in parts if one.name == name]) for name in names)


def _sink(parts: Sequence[SinkVitals]) -> SinkVitals:
    return SinkVitals(
        name=parts[0].name,
        condition=conditions(one.condition for one in parts),
        written=sum(one.written for one in parts),
        dropped=sum(one.dropped for one in parts),
        waiting=sum(one.waiting for one in parts),
        limit=sum(one.limit for one in parts),
        latency=_distribution([one.latency for one in parts]),
    )


def _recordings(parts: Sequence[RecordingVitals]) -> RecordingVitals:
    return RecordingVitals(
        condition=conditions(one.condition for one in parts),
        recorded=sum(one.recorded for one in parts),
        lost=sum(one.lost for one in parts),
        files=sum(one.files for one in parts),
    )
