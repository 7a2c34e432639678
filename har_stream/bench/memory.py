"""What har-stream holds in memory: at rest, and for each device more.

python -m har_stream.bench.memory MODEL DEVICES     what a fresh process grows by, as JSON; see _growth()
"""

from __future__ import annotations

import gc
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Final

import msgspec

from har_stream.bench.daemon_process import MB, PAGE_BYTES, Child, DaemonProcess
from har_stream.bench.figures import NotMeasured
from har_stream.bench.fleet import Fleet
from har_stream.bench.inner import InnerStream
from har_stream.bench.line_port import LinePort
from har_stream.bench.options import Options
from har_stream.classifier import Classifier
from har_stream.manifest import load_manifest, resolve

DEVICES: Final = 10_000
QUICK_DEVICES: Final = 1_000
SETTLE_S: Final = 1.0


def measure(options: Options) -> dict[str, Any]:
    """Return rss_mb of a har-stream that waits for a sensor's first sample, and bytes_per_device."""
    options.progress("memory: at rest")
    with LinePort() as port, DaemonProcess(port.source, "stdout:", model=options.model) as daemon:
        daemon.wait_until_ready()
        time.sleep(SETTLE_S)
        rest = daemon.rss_bytes()
    devices = min(QUICK_DEVICES if options.quick else DEVICES, max(options.devices))
    options.progress(f"memory: with {devices} devices")
    grown = _in_a_fresh_process(options.model, devices)
    return {"rss_mb": rest / MB, "bytes_per_device": grown / devices}


def _in_a_fresh_process(model: str, devices: int) -> int:
    with Child(["har_stream.bench.memory", model, str(devices)], {}, subprocess.PIPE) as child:
        output = child.process.stdout.read() if child.process.stdout is not None else b""
        if child.process.wait():
            child.check()
    try:
        return msgspec.json.decode(output, type=int)
    except msgspec.DecodeError:
        raise NotMeasured("memory: no answer") from None


def _growth(model: str, devices: int) -> int:
    """Return by how many bytes this process grows from no device to many that have all had several windows.

    Counted are what translates their messages and all stages' states; messages are made and dropped as they go.
    """
    folder = resolve(model)
    manifest = load_manifest(folder)
    classifier = Classifier(folder, manifest)
    # What the first device loads is not the others', nor are the motions that are sent.
    InnerStream(Fleet(1, manifest.framing), manifest, classifier).warm_up()
    fleet = Fleet(devices, manifest.framing)
    gc.collect()
    before = _rss_bytes()
    stream = InnerStream(fleet, manifest, classifier)
    stream.warm_up()
    gc.collect()
    return _rss_bytes() - before


def _rss_bytes() -> int:
    return int(Path("/proc/self/statm").read_text("utf-8").split()[1]) * PAGE_BYTES


if __name__ == "__main__":
    sys.stdout.write(msgspec.json.encode(_growth(sys.argv[1], int(sys.argv[2]))).decode())
