"""How large a network is, and how long ONNX Runtime takes for a window: neither depends on what it has learned."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any, Final

import msgspec
import numpy as np

from har_stream.bench.machine import processor_name
from har_stream.classifier import ENGINES
from training.architectures import architecture
from training.export import write_weights
from training.fit import import_keras
from training.kept_fits import write_whole

BATCH: Final = 32
WARM_UP_CALLS: Final = 20
TIMED_CALLS: Final = 200
US_A_SECOND: Final = 1e6
LIBRARIES: Final = ("keras", "numpy", "onnxruntime", "tensorflow", "tf2onnx")
PROBE_SEED: Final = 1
PROBE_DECIMALS: Final = 3
"""Logits of the same network differ by less than that from one processor to the other."""


class Network(msgspec.Struct, frozen=True):
    """An architecture's network before any fit; digest tells it from any other network.

    us_per_window is the quickest call's share of one window, us_per_window_median the median call's, in microseconds.
    """

    digest: str
    parameters: int
    us_per_window: float
    us_per_window_median: float
    processor: str
    versions: dict[str, str]


@dataclass(frozen=True, slots=True)
class NetworkOrder:
    """An architecture to measure for windows of `window` samples, and the file to keep the figures in."""

    arch: str
    window: int
    outputs: int
    path: Path


def measured(order: NetworkOrder) -> Network:
    """Return an architecture's network, timed anew only where it, the processor or a library is another.

    Raises ConfigError.
    """
    keras, arch = import_keras(), architecture(order.arch)
    keras.backend.clear_session()
    keras.utils.set_random_seed(PROBE_SEED)
    model = arch.build(order.window, len(arch.channels), order.outputs)
    digest, versions = _digest(model), {library: version(library) for library in LIBRARIES}
    before = _read(order.path)
    if before and (before.digest, before.processor, before.versions) == (digest, processor_name(), versions):
        return before
    quickest, median = _us_per_window(model)
    network = Network(digest, int(model.count_params()), quickest, median, processor_name(), versions)
    write_whole(order.path, msgspec.json.format(msgspec.json.encode(network)) + b"\n")
    return network


def _digest(model: Any) -> str:
    """Return a digest of a network's configuration and, since layers may hold code of their own, of its answers."""
    window = np.random.default_rng(PROBE_SEED).standard_normal((1, *model.input_shape[1:]))
    logits = np.asarray(model(window.astype(np.float32), training=False)).round(PROBE_DECIMALS) + 0.0
    return hashlib.sha256(f"{model.to_json()} {logits.tolist()}".encode()).hexdigest()


def _us_per_window(model: Any) -> tuple[float, float]:
    """Return (quickest, median) time of one window, by the daemon's own engine on one core."""
    with TemporaryDirectory() as folder:
        logits = ENGINES["onnx"](Path(folder), write_weights(model, Path(folder))["onnx"])
    windows = np.random.default_rng(PROBE_SEED).standard_normal((BATCH, *model.input_shape[1:])).astype(np.float32)
    calls_s = []
    for _ in range(WARM_UP_CALLS + TIMED_CALLS):
        begins_s = perf_counter()
        logits(windows)
        calls_s.append(perf_counter() - begins_s)
    each_us = np.array(calls_s[WARM_UP_CALLS:]) / BATCH * US_A_SECOND
    return round(float(each_us.min()), 2), round(float(np.median(each_us)), 2)


def _read(path: Path) -> Network | None:
    try:
        return msgspec.json.decode(path.read_bytes(), type=Network)
    except (OSError, ValueError):  # what msgspec raises is a ValueError
        return None
