"""Write a trained network as a model folder: model.onnx, model.keras, manifest.json and the model card."""

from __future__ import annotations

import contextlib
import hashlib
import io
import logging
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from har_stream.manifest import MANIFEST, Engine, Manifest, Weights
from training.fit import import_keras

ONNX, KERAS = "model.onnx", "model.keras"
CARD = "README.md"
OPSET = 17


def write_weights(model: Any, folder: Path) -> dict[Engine, Weights]:
    """Write a Keras model's weights for both engines, and return their places and SHA-256."""
    import_keras()
    folder.mkdir(parents=True, exist_ok=True)
    weights = model.get_weights()
    model = type(model).from_config(model.get_config())  # the same without the optimizer's state
    model.set_weights(weights)
    model.save(folder / KERAS)
    model(np.zeros((1, *model.input_shape[1:]), np.float32))  # the export wants a model that has been called
    logging.getLogger("tf2onnx").setLevel(logging.ERROR)
    with contextlib.redirect_stdout(io.StringIO()):
        model.export(folder / ONNX, format="onnx", opset_version=OPSET, verbose=False)
    return {"onnx": _weights(folder / ONNX), "tensorflow": _weights(folder / KERAS)}


def write_manifest(manifest: Manifest, folder: Path) -> None:
    """Write manifest.json, its keys in the order of the types."""
    encoded = msgspec.json.format(msgspec.json.encode(manifest), indent=2)
    (folder / MANIFEST).write_bytes(encoded + b"\n")


def _weights(path: Path) -> Weights:
    return Weights(path.name, hashlib.sha256(path.read_bytes()).hexdigest())
