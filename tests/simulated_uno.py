"""An Arduino Uno under simavr that runs har_imu.ino, its sensor played from an array, its port a pseudo-terminal."""

from __future__ import annotations

import os
import select
import subprocess
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
from numpy.typing import NDArray

BRIDGE = Path(__file__).parents[1] / "firmware_bridge"
MS2_PER_COUNT = np.float32(9.80665 / 4096)
RADS_PER_COUNT = np.float32(np.pi / 180 / 32.8)
PATIENCE_S = 60
PER_COUNT = np.repeat([MS2_PER_COUNT, RADS_PER_COUNT], 3)
"""Units in one count of each channel, at +-8 g and +-1000 degrees a second."""


@dataclass(frozen=True)
class UnoBuild:
    """Where the simulator and the sketches lie."""

    har_uno: Path
    har_imu: Path
    har_imu_lsm6dsox: Path


def build_uno(folder: Path) -> UnoBuild:
    """Build all into `folder`, in a few seconds; a compiler or library that is missing is an error."""
    subprocess.run(["make", "-s", "-C", str(BRIDGE / "arduino"), f"BUILD={folder}"], check=True)
    return UnoBuild(build_simulator(folder), folder / "har_imu.elf", folder / "har_imu_lsm6dsox.elf")


def build_simulator(folder: Path) -> Path:
    """Build the simulator alone."""
    subprocess.run(["make", "-s", "-C", str(BRIDGE / "simulation"), f"BUILD={folder}"], check=True)
    return folder / "har_uno"


def counts_of(motion: NDArray[np.float64]) -> NDArray[np.int16]:
    """Turn (n, 6) of m/s2 and rad/s into the sensor's counts; what is out of its range is cut off."""
    counts: NDArray[np.float64] = np.round(motion / PER_COUNT)
    return counts.clip(-32768, 32767).astype(np.int16)


class SimulatedUno:
    """A running Uno; `path` is its serial port. Plays `counts`, (n, 6) of int16, at 50 rows a second of its own time.

    speed is how many times real time (0: as fast as it goes), absent_s from when to when its sensor does not
    answer, link a symbolic link to the port. Unless `at_once`, it starts when somebody opens the port.
    """

    def __init__(
        self,
        build: UnoBuild,
        counts: NDArray[np.int16],
        folder: Path,
        *,
        speed: float = 0,
        absent_s: tuple[float, float] = (0, 0),
        link: Path | None = None,
        at_once: bool = False,
    ) -> None:
        recording = folder / "recording.int16"
        counts.tofile(recording)
        command = [str(build.har_uno), "--speed", str(speed), "--absent", f"{absent_s[0]}:{absent_s[1]}"]
        command += [] if at_once else ["--wait-for-reader"]
        command += ["--link", str(link)] if link else []
        command += [str(build.har_imu), str(recording)]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        self.path = Path(self.process.stdout.readline().strip())

    def read(self, length: int | None = None) -> bytes:
        """Listen on the port, as it comes, for so many bytes or until the recording has ended."""
        port = os.open(self.path, os.O_RDONLY | os.O_NOCTTY)
        heard = b""
        try:
            while length is None or len(heard) < length:
                assert select.select([port], [], [], PATIENCE_S)[0], f"silence after {len(heard)} bytes"
                piece = os.read(port, 4096)
                if not piece:
                    break
                heard += piece
        except OSError:  # EIO: the other end is gone
            pass
        finally:
            os.close(port)
        return heard

    def last_words(self) -> str:
        """Give what the simulator says at its end, and wait for that; it must end well."""
        _, words = self.process.communicate(timeout=PATIENCE_S)
        assert self.process.returncode == 0, words
        return words

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        self.process.kill()
        self.process.communicate()
