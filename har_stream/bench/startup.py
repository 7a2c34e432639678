"""From the start of a fresh har-stream to its first label, with samples that need not be waited for."""

from __future__ import annotations

import subprocess
import time
from statistics import median
from typing import Any, Final

from har_stream.bench.daemon_process import Child
from har_stream.bench.figures import NotMeasured
from har_stream.bench.options import Options

SOURCE: Final = "sim:?speed=max&loop=no&script=walking:4"
STARTS: Final = 7
QUICK_STARTS: Final = 2


def measure(options: Options) -> dict[str, Any]:
    """Return startup_s, the median of several starts; the first one, from a cold disk, is not counted."""
    starts = QUICK_STARTS if options.quick else STARTS
    taken = []
    for number in range(starts + 1):
        options.progress(f"startup: {number} of {starts} starts")
        taken.append(_first_label_s(options.model))
    return {"startup_s": median(taken[1:])}


def _first_label_s(model: str) -> float:
    begins_s = time.perf_counter()
    words = ["har_stream", "run", "--source", SOURCE, "--sink", "stdout:", "--model", model, "--http", "off"]
    with Child(words, {}, subprocess.PIPE) as child:
        line = child.process.stdout.readline() if child.process.stdout is not None else b""
        taken_s = time.perf_counter() - begins_s
        if not line:
            child.process.wait()
            child.check()
            raise NotMeasured("startup: no label came")
    return taken_s
