"""Recordings of a simulated walk by somebody who wears the device turned."""

from __future__ import annotations

from pathlib import Path
from threading import Event

import numpy as np
from scipy.spatial.transform import Rotation

from har_stream.samples import SampleBlock, Samples
from har_stream.settings import Settings
from har_stream.sources import open_source
from tests.motion import RATE_HZ

HEADER = "time_s,acc_x_g,acc_y_g,acc_z_g,gyro_x_rads,gyro_y_rads,gyro_z_rads"


def simulated(script: str) -> Samples:
    """What one simulated person does, (n, 6)."""
    source = open_source(f"sim:?devices=1&speed=max&loop=no&script={script}", Settings())
    blocks = [block for tick in source.blocks(Event()) for block in tick]
    return np.concatenate([block.values for block in blocks if isinstance(block, SampleBlock)])


def worn_turned(values: Samples, angle_deg: float) -> Samples:
    """The same motion by a device turned about its z axis."""
    rotation = Rotation.from_euler("z", angle_deg, degrees=True).as_matrix()
    return np.asarray((values.reshape(-1, 2, 3) @ rotation.T).reshape(-1, 6), np.float32)


def write_recording(path: Path, values: Samples, start_s: float = 0.0) -> Path:
    """Write samples from start_s on as a recording that replay: takes."""
    rows = np.hstack([start_s + np.arange(len(values))[:, np.newaxis] / RATE_HZ, values])
    np.savetxt(path, rows, fmt="%.9g", delimiter=",", header=HEADER, comments="")
    return path
