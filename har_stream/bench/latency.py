"""How long a label takes, for one live device on a serial port.

    sample -> (virtual) serial port -> har-stream: source, queue, engine and sink threads -> JSON line in a pipe

The daemon is the real one, a process of its own. So that hundreds of windows take seconds, the samples of a hop come at
once, faster than real time; then there is a pause, as before every sample in life, and the one that completes the
window comes alone. Timed is from the moment before it is written to the port until its line can be read from the pipe.
(It is the one after the window's last: the median filter looks one ahead.)
"""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from typing import Any, Final

import numpy as np

from har_stream.bench.daemon_process import DaemonProcess
from har_stream.bench.figures import Latency, NotMeasured
from har_stream.bench.labels import Labels
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
PAUSE_S: Final = 0.04
"""Before a sample that completes a window: twice what it is at 50 Hz, for the hop before it is to be over."""
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
        labels = Labels(daemon.process.stdout)
        taken_s = list(_latencies_s(port, labels, framing, windows, options))
        daemon.check()
    return {"latency_ms": summary(np.array(taken_s[WARM_UP_WINDOWS:]) * MS_A_SECOND)}


def summary(values: np.ndarray) -> Latency:
    """Return what is told of many values."""
    middle, late = np.percentile(values, (50, 99)).tolist()
    return Latency(middle, late, float(values.max()))


def _latencies_s(port: LinePort, labels: Labels, framing: Framing, windows: int, options: Options) -> Iterator[float]:
    """Send samples until so many windows are complete; yield how long each label took."""
    samples = framing.window + (windows - 1) * framing.hop + DELAY_SAMPLES
    completes = framing.window - 1 + DELAY_SAMPLES
    done, hop = 0, b""
    for number, data in enumerate(_sensor(samples, framing.rate_hz)):
        if number < completes:
            hop += data
            continue
        port.send(hop)
        time.sleep(PAUSE_S)
        begins_s = time.perf_counter()
        port.send(data)
        completes, done, hop = completes + framing.hop, done + 1, b""
        options.progress(f"latency: {done} of {windows} windows")
        yield _label_came_s(labels, (number - DELAY_SAMPLES) / framing.rate_hz) - begins_s


def _label_came_s(labels: Labels, end_s: float) -> float:
    """Wait for the label of the window that ends at end_s; return when it came."""
    label = labels.next(PATIENCE_S)
    if label is None:
        raise NotMeasured("latency: a label did not come")
    if abs(label.end_s - end_s) > CLOSE_S:
        raise NotMeasured(f"latency: the label of {label.end_s} s came instead of that of {end_s} s")
    return label.at_counter_s


def _sensor(samples: int, rate_hz: float) -> Iterator[bytes]:
    """Yield what a sensor sends for each of so many samples."""
    motion = Performed(players(1, "day", 1, Uri("", "", "", {})))
    device = Device(0, motion.names[0], 1, rate_hz, Profiles().for_format(FORMAT), 0.0)
    elapsed_s = np.arange(samples) / rate_hz
    values = motion.at(np.zeros(1, np.intp), elapsed_s[np.newaxis])[0]
    for number, part in enumerate(line_parts(FORMAT, device, 0, elapsed_s, values)):
        yield preamble(FORMAT, device, number) + b"".join(part.payloads)
