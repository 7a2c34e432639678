"""UCI HAR's own preprocessing chain and framing, as new models get them into their manifest.

Source: Anguita et al., A public domain dataset for human activity recognition using smartphones, ESANN 2013; the
gyroscope's drift filter is not in the paper, but in the data set's files.
"""

from __future__ import annotations

from typing import Final

from har_stream.manifest import Filters, Framing, InitialState, LowPass

UCI_HAR_FRAMING: Final = Framing(rate_hz=50.0, window=128, hop=64)


def uci_har_filters(initial_state: InitialState = "first-sample") -> Filters:
    """Return UCI HAR's filters; it starts them from zero itself, a live stream better from its first sample."""
    return Filters(
        median=3,
        noise=LowPass(order=10, cutoff_hz=20.0),
        gravity=LowPass(order=3, cutoff_hz=0.3),
        gyro_drift=LowPass(order=2, cutoff_hz=0.1),
        initial_state=initial_state,
    )
