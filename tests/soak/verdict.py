"""What a soak has shown: claims that hold or do not, as a table and as JSON."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import Any, Final

import numpy as np

from tests.soak.rig import Rig
from tests.soak.stream import SoakedStream

GROWTH: Final = {"memory_mb": 4.0, "descriptors": 2.0, "threads": 1.0}
"""How much the line through the second half's looks may rise from its beginning to its end."""
WARM_UP: Final = {"memory_mb": 40.0, "descriptors": 4.0, "threads": 2.0}
"""The same of a soak of less than two minutes, of which the second half is still a beginning."""
WARM_S: Final = 120.0
LEAST_LOOKS: Final = 3


@dataclass(frozen=True, slots=True)
class Claim:
    """Something that was to hold, what was found, and whether it holds."""

    stream: str
    what: str
    found: str
    holds: bool


def of_books(stream: SoakedStream, rig: Rig, told: Mapping[str, int]) -> list[Claim]:
    """Hold what was sent against what came in, and that against what became of it."""
    ledger = rig.ledgers[stream.name]
    accounted = sum(told[name] for name in ("used", "refused", "dropped", "buffered"))
    expected = ledger.sure + ledger.came_at_risk
    sent = f"{ledger.sure} sure, {ledger.came_at_risk} of {ledger.at_risk} at risk"
    return [
        Claim(stream.name, "each sample sent came in", sent, told["in"] == expected and not ledger.faults),
        Claim(
            stream.name,
            "in = used + refused + dropped + buffered",
            " ".join(f"{name} {count}" for name, count in told.items()),
            told["in"] == accounted,
        ),
        *(Claim(stream.name, "each round came in", fault, holds=False) for fault in ledger.faults),
    ]


def of_labels(stream: SoakedStream, published: Sequence[str], metrics: Mapping[str, float]) -> list[Claim]:
    """See that every label has an id of its own, and reached the subscriber, for the first time in its order."""
    told = Counter(stream.labels)
    own = [one for one in dict.fromkeys(published) if one in told]
    lost, twice = len(told) - len(own), told.total() - len(told)
    places = {one: place for place, one in enumerate(told)}
    back = sum(places[later] < places[one] for one, later in pairwise(own))
    return [
        Claim(stream.name, "ids are unique", f"{told.total()} labels, {twice} twice", told.total() > 0 == twice),
        Claim(stream.name, "every label was published", f"{lost} lost", lost == 0),
        Claim(stream.name, "labels came in order", f"{back} out of it", back == 0),
        Claim(stream.name, "no sink dropped any", f"{metrics['dropped']:g} dropped", metrics["dropped"] == 0),
    ]


def of_usage(name: str, looks: Sequence[tuple[float, Mapping[str, float]]]) -> list[Claim]:
    """See that what a stream holds of the machine is flat over the second half."""
    half = looks[len(looks) // 2 :]
    if len(half) < LEAST_LOOKS:
        return [Claim(name, "looked at often enough", f"{len(half)} looks", holds=False)]
    at_s = np.array([at for at, _ in half])
    claims = []
    for what, bound in (GROWTH if at_s[-1] - looks[0][0] >= WARM_S else WARM_UP).items():
        values = np.array([usage[what] for _, usage in half])
        slope, _ = np.polyfit(at_s - at_s[0], values, 1)
        growth = float(slope * (at_s[-1] - at_s[0]))
        found = f"{growth:+.2f} (at most {bound:g}), {values[-1]:.1f} in the end"
        claims.append(Claim(name, f"{what} flat", found, growth <= bound))
    return claims


def table(claims: Sequence[Claim]) -> str:
    """Return the claims in columns."""
    rows = [("stream", "claim", "found", "holds")]
    rows += [(claim.stream, claim.what, claim.found, "yes" if claim.holds else "NO") for claim in claims]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join("  ".join(map(str.ljust, row, widths)).rstrip() for row in rows)


def as_json(claims: Sequence[Claim], faults: Mapping[str, int], **about: Any) -> dict[str, Any]:
    """Return all that a soak has shown, for machines."""
    return about | {
        "holds": all(claim.holds for claim in claims),
        "faults": dict(faults),
        "claims": [asdict(claim) for claim in claims],
    }
