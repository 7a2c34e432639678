"""Which machine, libraries and sources figures were measured with."""

from __future__ import annotations

import os
import platform
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Final

import har_stream

CPU_INFO: Final = Path("/proc/cpuinfo")
LIBRARIES: Final = ("cbor2", "numpy", "onnxruntime", "paho-mqtt", "scipy", "tensorflow")
GIT_S: Final = 5.0


def processor_name() -> str:
    """Return the processor's name as Linux tells it, else its family."""
    lines = CPU_INFO.read_text("utf-8").splitlines() if CPU_INFO.exists() else []
    parted = (line.partition(":") for line in reversed(lines))
    told = {name.strip(): value.strip() for name, _, value in parted}
    return told.get("model name") or told.get("Model") or platform.processor() or platform.machine()


def cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0))


def versions() -> dict[str, str]:
    """Return the versions of Python, this program and the libraries that are installed."""
    found = {"python": platform.python_version(), "har-stream": har_stream.__version__}
    for library in LIBRARIES:
        try:
            found[library] = version(library)
        except PackageNotFoundError:
            continue
    return found


def commit(package: Path = Path(har_stream.__file__).parent) -> str | None:
    """Return the commit of the checkout that the package runs from, None where it was installed elsewhere."""
    top = _git(package, "rev-parse", "--show-toplevel")
    # A checkout that merely holds the environment with the package in it is another project's.
    if top is None or Path(top) != package.resolve().parent:
        return None
    return _git(package, "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*")


def _git(folder: Path, *words: str) -> str | None:
    try:
        done = subprocess.run(  # noqa: S603 - words of our own
            ["git", "-C", str(folder), *words],  # noqa: S607 - the user's own git
            capture_output=True,
            text=True,
            timeout=GIT_S,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip() or None
