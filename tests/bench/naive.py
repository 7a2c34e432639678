"""The naive way to classify a stream: filters and the network for each window by itself, inside on_message."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cbor2
import numpy as np
from numpy.typing import NDArray
from paho.mqtt.client import MQTTMessage
from scipy.signal import butter, medfilt, sosfilt

from har_stream.classifier import softmax
from har_stream.manifest import Manifest

Window = NDArray[np.float32]
Logits = Callable[[Window], NDArray[np.float32]]


class NaiveListener:
    """What a client's on_message does in most projects of the field: one device, one window, one call at a time."""

    def __init__(self, manifest: Manifest, logits: Logits) -> None:
        self._manifest, self._logits = manifest, logits
        self._held: defaultdict[str, list[list[float]]] = defaultdict(list)
        framing, filters = manifest.framing, manifest.filters
        self._noise = butter(filters.noise.order, filters.noise.cutoff_hz, fs=framing.rate_hz, output="sos")
        self._gravity = butter(filters.gravity.order, filters.gravity.cutoff_hz, fs=framing.rate_hz, output="sos")
        self.labels: list[tuple[str, str]] = []

    def on_message(self, _client: Any, _data: Any, message: MQTTMessage) -> None:
        device = message.topic.split("/")[1]
        values = np.frombuffer(cbor2.loads(message.payload)["val"].value, "<f4").reshape(-1, 6)
        held, framing = self._held[device], self._manifest.framing
        for row in values:
            held.append(row.tolist())
            if len(held) == framing.window:
                self.labels.append((device, self._label(np.array(held))))
                del held[: framing.hop]

    def _label(self, window: NDArray[np.float64]) -> str:
        clean = sosfilt(self._noise, [medfilt(axis, 3) for axis in window.T]).T
        gravity = sosfilt(self._gravity, clean[:, :3], axis=0)
        channels = np.concatenate([clean[:, :3] - gravity, clean[:, 3:], clean[:, :3]], axis=1)
        normal = (channels - self._manifest.normalisation.offset) / self._manifest.normalisation.scale
        shares = softmax(self._logits(normal[np.newaxis].astype(np.float32)) / np.float32(self._manifest.temperature))
        return self._manifest.outputs[int(shares[0].argmax())]


def keras_predict(folder: Path, manifest: Manifest) -> Logits:
    """model.predict for each window."""
    model = _keras_model(folder, manifest)
    return lambda window: np.asarray(model.predict(window, verbose=0))


def tf_function(folder: Path, manifest: Manifest) -> Logits:
    """The model as a graph, traced once."""
    import tensorflow as tf  # noqa: PLC0415 - who measures ONNX Runtime alone does without it

    model = _keras_model(folder, manifest)
    graph = tf.function(lambda window: model(window, training=False))
    return lambda window: np.asarray(graph(tf.constant(window)))


def _keras_model(folder: Path, manifest: Manifest) -> Any:
    import keras  # noqa: PLC0415 - as above

    return keras.models.load_model(folder / manifest.weights["tensorflow"].file, compile=False)
