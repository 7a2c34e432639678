"""How many examples a property gets that costs more than others: a share of what the profile says."""

from __future__ import annotations

from hypothesis import settings


def share_of_examples(share: float) -> settings:
    """Return the profile's settings with that share of its examples; say beside it what they cost."""
    return settings(max_examples=max(1, round(settings().max_examples * share)))
