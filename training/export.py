"""Write a trained network as a model folder: model.onnx, model.keras, manifest.json and the model card.

A network with layers that are not Keras's own gets no model.keras: the daemon, which must not import training, could
not load it. ONNX Runtime serves it all the same.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import logging
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from har_stream.manifest import MANIFEST, Engine, Manifest, Weights
from training.fit import import_keras
from training.onnx_simplified import simplified

ONNX, KERAS = "model.onnx", "model.keras"
CARD = "README.md"
OPSET = 17


def write_weights(model: Any, folder: Path) -> dict[Engine, Weights]:
    """Write a Keras model's weights for each engine that can load them, and return their places and SHA-256."""
    import_keras()
    folder.mkdir(parents=True, exist_ok=True)
    values = model.get_weights()
    model = type(model).from_config(model.get_config())  # the same without the optimizer's state
    model.set_weights(values)
    model(np.zeros((1, *model.input_shape[1:]), np.float32))  # the export wants a model that has been called
    logging.getLogger("tf2onnx").setLevel(logging.ERROR)
    with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # of the exporter's own code
        model.export(folder / ONNX, format="onnx", opset_version=OPSET, verbose=False)
    speed_up(folder / ONNX)
    weights: dict[Engine, Weights] = {"onnx": _weights(folder / ONNX)}
    (folder / KERAS).unlink(missing_ok=True)  # an earlier network's
    if _is_all_keras(model):
        model.save(folder / KERAS)
        weights["tensorflow"] = _weights(folder / KERAS)
    return weights


def speed_up(path: Path) -> None:
    """Make an exported file cheaper to compute, its numbers the same to rounding."""
    import onnx  # noqa: PLC0415 - only who exports needs it

    onnx.save(simplified(onnx.load(path)), path)


def write_manifest(manifest: Manifest, folder: Path) -> None:
    """Write manifest.json, its keys in the order of the types."""
    encoded = msgspec.json.format(msgspec.json.encode(manifest), indent=2)
    (folder / MANIFEST).write_bytes(encoded + b"\n")


def _weights(path: Path) -> Weights:
    return Weights(path.name, hashlib.sha256(path.read_bytes()).hexdigest())


def _is_all_keras(model: Any) -> bool:
    """Return whether Keras alone can load the model."""
    return all(module.split(".")[0] == "keras" for module in _modules(json.loads(model.to_json())))


def _modules(config: Any) -> Iterator[str]:
    """Yield the module of each object in a model's configuration."""
    if isinstance(config, dict):
        if isinstance(config.get("module"), str):
            yield config["module"]
        config = list(config.values())
    if isinstance(config, list):
        for part in config:
            yield from _modules(part)
