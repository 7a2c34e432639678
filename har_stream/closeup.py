"""One device from near, as a page gets it: what is new of its signals and its hour since the page had some."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from har_stream.posture import posture

if TYPE_CHECKING:
    from har_stream.live import Seen, Watched

Closeup = dict[str, Any]

DECIMALS: Final = 3
MS: Final = 1000.0


@dataclass(slots=True)
class Cursor:
    """How far a page has read a device's samples and its hour."""

    samples: int = 0
    ribbon_end_s: float = -math.inf
    ribbon_turn: int = 0


def closeup_of(seen: Seen, watched: Watched, cursor: Cursor) -> Closeup:
    """Return what is to be shown, ready for JSON, and move the cursor."""
    gravity = watched.signals.gravity
    told: Closeup = {
        "rate_hz": _rounded(watched.rate.rate_hz),
        "refused": watched.rate.refused,
        "gaps": seen.gaps,
        "lost_s": _rounded(seen.lost_s),
        "latency_ms": _rounded(seen.latency_s * MS),
        "signals": _signals(watched, cursor),
        "ribbon": _ribbon(seen, cursor),
        "truth": seen.prediction.truth if seen.prediction is not None else None,
    }
    if gravity is not None:
        name, angle_deg = posture(gravity, watched.reference)
        told["posture"] = {"name": name, "angle_deg": round(angle_deg), "learned": watched.reference is not None}
    return told


def _signals(watched: Watched, cursor: Cursor) -> Closeup | None:
    """Return the new samples, a list for each of time, body acceleration, gravity and gyro in x y z."""
    times_s, channels = watched.signals.since(cursor.samples)
    cursor.samples = watched.signals.count
    if not len(times_s):
        return None
    columns = [channels[:, 0:3], channels[:, 6:9] - channels[:, 0:3], channels[:, 3:6]]
    rounded = [_column(part[:, axis].tolist()) for part in columns for axis in range(part.shape[1])]
    return {"times_s": _column(times_s.tolist()), "columns": rounded}


def _ribbon(seen: Seen, cursor: Cursor) -> Closeup | None:
    """Return the spans that are new or have grown; `anew` tells that those before are none any more."""
    anew = seen.ribbon.turn != cursor.ribbon_turn
    spans = seen.ribbon.since(-math.inf if anew else cursor.ribbon_end_s)
    if not spans:
        return None
    cursor.ribbon_turn, cursor.ribbon_end_s = seen.ribbon.turn, spans[-1].end_s
    return {"anew": anew, "spans": [[_rounded(one.start_s), _rounded(one.end_s), one.label] for one in spans]}


def _column(values: list[float]) -> list[float]:
    return [round(value, DECIMALS) for value in values]


def _rounded(value: float | None) -> float | None:
    return None if value is None or not math.isfinite(value) else round(value, DECIMALS)
