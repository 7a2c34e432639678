"""Figures on whole recordings, with their transitions and unlabelled spans: what a subscriber really gets.

Counted is the time that carries one of the six activities. A raw label speaks of its window's last hop, a settled
one of the span that it names, the label in force of every moment until the next one is published.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from har_stream.activities import ACTIVITIES
from har_stream.samples import Codes, Prediction
from training.events import KINDS, event_counts

NOTHING: Final = -1
"""In place of a label's index: none yet, or unknown."""
SECONDS_AN_HOUR: Final = 3600
Labels = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Timeline:
    """One recording, sample by sample: what was true (n,) and what raw, in-force and settled labels said (n,).

    Indices of activities, NOTHING elsewhere; spans holds (start, stop) of each true activity; between (n,) marks
    postural transitions, which are none of the six.
    """

    truth: Labels
    raw: Labels
    in_force: Labels
    settled: Labels
    rate_hz: float
    spans: tuple[tuple[int, int], ...]
    between: NDArray[np.bool_]


def timeline_of(truth: Codes, predictions: list[Prediction], *, rate_hz: float, hop: int, start_s: float) -> Timeline:
    """Lay a recording's predictions over its truth (n,) of activity codes."""
    index = {label: number for number, label in enumerate(ACTIVITIES)}

    def told(one: Prediction) -> Told:
        end, settled = round((one.end_s - start_s) * rate_hz) + 1, None
        if one.settled:
            first, last = (round((time_s - start_s) * rate_hz) for time_s in (one.settled.start_s, one.settled.end_s))
            settled = (first, last, index.get(one.settled.label, NOTHING))
        return Told(end, index[one.raw], index.get(one.label, NOTHING), settled)

    return laid(truth, map(told, predictions), rate_hz=rate_hz, hop=hop)


class Told(NamedTuple):
    """What is told at one window's end: indices of labels; settled is (first sample, one past the last, label)."""

    end: int
    raw: int
    in_force: int
    settled: tuple[int, int, int] | None


def laid(truth: Codes, words: Iterable[Told], *, rate_hz: float, hop: int) -> Timeline:
    """Lay what is told of a recording over its truth (n,) of activity codes."""
    true = truth.astype(np.int64) - 1
    between = true >= len(ACTIVITIES)
    true[between] = NOTHING
    raw, in_force, settled = (np.full(len(truth), NOTHING, np.int64) for _ in range(3))
    for told in words:
        raw[told.end - hop : told.end] = told.raw
        # The median looks one sample ahead, so a window is out when the next sample has come.
        in_force[told.end + 1 :] = told.in_force
        if told.settled:
            first, last, label = told.settled
            settled[first:last] = label
    return Timeline(true, raw, in_force, settled, rate_hz, _spans(true), between)


def stream_scores(timelines: list[Timeline]) -> dict[str, Any]:
    """Return the figures over several recordings, ready for JSON; shares of labelled time, delays in s."""
    labelled = sum(int((one.truth != NOTHING).sum()) for one in timelines)
    hours = float(sum((one.truth != NOTHING).sum() / one.rate_hz for one in timelines)) / SECONDS_AN_HOUR
    delays_s = np.array([delay for one in timelines for delay in _delays_s(one)])
    known = delays_s[np.isfinite(delays_s)]
    told = sum(int(((one.truth != NOTHING) & (one.in_force != NOTHING)).sum()) for one in timelines)
    between = sum(int(one.between.sum()) for one in timelines)
    unknown = sum(int((one.between & (one.in_force == NOTHING)).sum()) for one in timelines)
    return {
        "accuracy_raw": _share(timelines, "raw", labelled),
        "accuracy": _share(timelines, "settled", labelled),
        "accuracy_in_force": _share(timelines, "in_force", labelled),
        "coverage_in_force": round(told / max(labelled, 1), 5),
        "accuracy_in_force_where_told": round(_right(timelines, "in_force") / max(told, 1), 5),
        "transitions_unknown": round(unknown / max(between, 1), 5),
        "false_changes_per_hour": round(sum(map(false_changes, timelines)) / max(hours, 1e-9), 2),
        "delay_s": {
            "p50": _quantile(known, 0.5),
            "p95": _quantile(known, 0.95),
            "changes": len(delays_s),
            "missed": int(len(delays_s) - len(known)),
        },
        "events": _events(timelines),
        "labelled_hours": round(float(hours), 4),
    }


def _share(timelines: list[Timeline], kind: str, labelled: int) -> float:
    return round(_right(timelines, kind) / max(labelled, 1), 5)


def _right(timelines: list[Timeline], kind: str) -> int:
    return sum(int(((one.truth != NOTHING) & (getattr(one, kind) == one.truth)).sum()) for one in timelines)


def _spans(truth: Labels) -> tuple[tuple[int, int], ...]:
    edges = [0, *(np.flatnonzero(np.diff(truth)) + 1).tolist(), len(truth)]
    spans = pairwise(edges)
    return tuple((start, stop) for start, stop in spans if stop > start and truth[start] != NOTHING)


def false_changes(one: Timeline) -> int:
    """Count changes of the label in force inside spans of one true activity, but for that to the true one."""
    count = 0
    for start, stop in one.spans:
        labels = one.in_force[start:stop]
        changes = np.flatnonzero(np.diff(labels)) + 1
        first_right = np.flatnonzero(labels == one.truth[start])[:1]
        # Until the label first is right it is only late; what it does after that is counted.
        count += int((changes > first_right[0]).sum()) if len(first_right) else 0
    return count


def _delays_s(one: Timeline) -> list[float]:
    """Return how long after each true change the label in force was right; inf where it never was in time."""
    delays, before = [], NOTHING
    for start, stop in one.spans:
        if before not in (NOTHING, one.truth[start]):
            right = np.flatnonzero(one.in_force[start:stop] == one.truth[start])
            delays.append(float(right[0]) / one.rate_hz if len(right) else float("inf"))
        before = int(one.truth[start])
    return delays


def _events(timelines: list[Timeline]) -> dict[str, dict[str, float]]:
    """Return number and seconds of each kind of mistake of settled labels."""
    totals = {kind: np.zeros(2) for kind in KINDS}
    for one in timelines:
        labelled = one.truth != NOTHING
        counts = event_counts(one.truth[labelled], one.settled[labelled], len(ACTIVITIES))
        for kind, (number, samples) in counts.items():
            totals[kind] += (number, samples / one.rate_hz)
    return {kind: {"count": int(number), "seconds": round(float(s), 2)} for kind, (number, s) in totals.items()}


def _quantile(values: NDArray[np.float64], share: float) -> float | None:
    return round(float(np.quantile(values, share)), 3) if len(values) else None
