"""Predictions for tests of what comes after the classifier."""

from __future__ import annotations

import numpy as np

from har_stream.activities import ACTIVITIES
from har_stream.samples import Prediction, Settled


def prediction(
    device: str = "exp01_user01",
    end_s: float = 12.34,
    label: str = "walking",
    raw: str = "walking",
    settled: Settled | None = None,
    truth: str | None = None,
    *,
    has_truth: bool = False,
    since_s: float = 0.0,
) -> Prediction:
    """A prediction of a window that ends at end_s, with a label that is in force since since_s."""
    shares = packed(*(0.98 if name == raw else 0.004 for name in ACTIVITIES))
    return Prediction(
        device, end_s - 2.54, end_s, raw, label, ACTIVITIES, shares, settled, truth, has_truth, since_s=since_s
    )


def packed(*shares: float) -> bytes:
    """Probabilities as a Prediction holds them."""
    return np.array(shares, np.float32).tobytes()
