"""How long a label takes, for one live device on a serial port.

    sample -> (virtual) serial port -> har-stream, in its source's thread -> JSON line in a pipe

The daemon is the real one, a process of its own. So that hundreds of windows take seconds, most samples of a hop come
at once, faster than real time; then there is a pause, and the last few come one by one, 20 ms apart, as in life, and as
irregularly as clocks and buses make it: each up to a millisecond early or late. What has to know the pace of the
samples finds it in these. Timed is from the moment before the sample that completes the window is written to the port
until its line can be read from the pipe. (It is the one after the window's last: the median filter looks one ahead.)
"""

from __future__ import annotations

import json
import select
import subprocess
import time
from collections.abc import Iterator
from typing import IO, Any, Final

import numpy as np

from har_stream.bench.daemon_process import DaemonProcess
from har_stream.bench.figures import Latency, NotMeasured
from har_stream.bench.line_port import LinePort
from har_stream.bench.options import Options
from har_stream.bridge.motion import Performed
from har_stream.bridge.payloads import Device, line_parts, preamble
from har_stream.denoising import DELAY_SAMPLES
from har_stream.manifest import Framing, load_manifest, resolve
from har_stream.profiles import Profiles
from har_stream.sources.simulator import players
from har_stream.uri import Uri

WINDOWS: Final = 250
QUICK_WINDOWS: Final = 25
WARM_UP_WINDOWS: Final = 5
"""The first ones load what is loaded late."""
FORMAT: Final = "frames"
PACED: Final = 6
"""Samples before a label that come at their own pace."""
PAUSE_S: Final = 0.04
"""Before these: for the samples before them to be over."""
JITTER_S: Final = 1e-3
SEED: Final = 1
PATIENCE_S: Final = 10.0
MS_A_SECOND: Final = 1e3
CLOSE_S: Final = 1e-3
"""As close as times are told."""


def measure(options: Options) -> dict[str, Any]:
    """Return latency_ms. Raises NotMeasured."""
    framing = load_manifest(resolve(options.model)).framing
    windows = WARM_UP_WINDOWS + (QUICK_WINDOWS if options.quick else WINDOWS)
    with (
        LinePort() as port,
        DaemonProcess(port.source, "stdout:", model=options.model, output=subprocess.PIPE) as daemon,
    ):
        daemon.wait_until_ready()
        if daemon.process.stdout is None:
            raise NotMeasured("latency: nobody can read the labels")
        taken_s = list(_latencies_s(port, daemon.process.stdout, framing, windows, options))
        daemon.check()
    return {"latency_ms": summary(np.array(taken_s[WARM_UP_WINDOWS:]) * MS_A_SECOND)}


def summary(values: np.ndarray) -> Latency:
    """Return what is told of many values."""
    middle, late = np.percentile(values, (50, 99)).tolist()
    return Latency(middle, late, float(values.max()))


def _latencies_s(port: LinePort, lines: IO[bytes], framing: Framing, windows: int, options: Options) -> Iterator[float]:
    """Send samples until so many windows are complete; yield how long each label took."""
    samples = framing.window + (windows - 1) * framing.hop + DELAY_SAMPLES
    completes = framing.window - 1 + DELAY_SAMPLES
    chance = np.random.default_rng(SEED)
    first_paced = min(PACED, framing.hop) - 1
    done, hop, last_s = 0, b"", 0.0
    for number, data in enumerate(_sensor(samples, framing.rate_hz)):
        to_come = completes - number
        if to_come > first_paced:
            hop += data
            continue
        if to_come == first_paced:
            port.send(hop)
            hop, last_s = b"", time.perf_counter() + PAUSE_S + to_come / framing.rate_hz
        due_s = last_s - to_come / framing.rate_hz + chance.uniform(-JITTER_S, JITTER_S)
        time.sleep(max(0.0, due_s - time.perf_counter()))
        begins_s = time.perf_counter()
        port.send(data)
        if to_come == 0:
            completes, done = completes + framing.hop, done + 1
            yield _label_came_s(lines, (number - DELAY_SAMPLES) / framing.rate_hz) - begins_s
            options.progress(f"latency: {done} of {windows} windows")


def _label_came_s(lines: IO[bytes], end_s: float) -> float:
    """Wait for the line of the window that ends at end_s; return when it could be read."""
    if not select.select([lines], [], [], PATIENCE_S)[0]:
        raise NotMeasured("latency: a label did not come")
    came_s = time.perf_counter()
    told_s = float(json.loads(lines.readline())["time"])
    if abs(told_s - end_s) > CLOSE_S:
        raise NotMeasured(f"latency: the label of {told_s} s came instead of that of {end_s} s")
    return came_s


def _sensor(samples: int, rate_hz: float) -> Iterator[bytes]:
    """Yield what a sensor sends for each of so many samples."""
    motion = Performed(players(1, "day", 1, Uri("", "", "", {})))
    device = Device(0, motion.names[0], 1, rate_hz, Profiles().for_format(FORMAT), 0.0)
    elapsed_s = np.arange(samples) / rate_hz
    values = motion.at(np.zeros(1, np.intp), elapsed_s[np.newaxis])[0]
    for number, part in enumerate(line_parts(FORMAT, device, 0, elapsed_s, values)):
        yield preamble(FORMAT, device, number) + b"".join(part.payloads)
