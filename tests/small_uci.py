"""A data set in UCI HAR's layout that is small enough to train on in a test."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from har_stream.manifest import CHANNELS

WINDOWS = 60


def write_small_uci(root: Path, subjects_by_part: Mapping[str, tuple[int, ...]]) -> Path:
    """Write 60 windows a part, dealt out evenly to its volunteers, and return the folder."""
    for part, subjects in subjects_by_part.items():
        signals = root / part / "Inertial Signals"
        signals.mkdir(parents=True)
        codes = np.tile(np.arange(1, 7), WINDOWS // 6)
        generator = np.random.default_rng(len(part))
        for number, channel in enumerate(CHANNELS):
            values = generator.standard_normal((WINDOWS, 128)) * 0.1 + codes[:, np.newaxis] * 0.1 * (number % 3)
            np.savetxt(signals / f"{channel}_{part}.txt", values, fmt="%.7e")
        np.savetxt(root / part / f"y_{part}.txt", codes, fmt="%d")
        np.savetxt(root / part / f"subject_{part}.txt", np.repeat(subjects, WINDOWS // len(subjects)), fmt="%d")
    return root
