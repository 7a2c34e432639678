"""A UCI HAR data set of a few windows."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from har_stream.manifest import CHANNELS

WINDOWS = 60


def write_small_uci(root: Path, *, train: tuple[int, ...] = (1, 3)) -> Path:
    """Write 60 windows for each part, dealt out to the volunteers `train`, and 2 and 4; return the folder."""
    for part, subjects in (("train", train), ("test", (2, 4))):
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
