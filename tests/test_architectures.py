"""Each architecture builds, learns, is exported as it was trained, and is served."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import onnx
import onnxruntime
import pytest

from har_stream.activities import ACTIVITIES
from har_stream.classifier import Classifier, softmax
from har_stream.datasets import WindowTable
from har_stream.manifest import CHANNELS, MODELS, Framing, Manifest, Normalisation, load_manifest, resolve
from tests.stream_process import run
from training.architectures import ARCHITECTURES, Architecture, architecture, larnn, residual_bilstm
from training.corpus import Corpus
from training.export import KERAS, ONNX, write_manifest, write_weights
from training.fit import fit, import_keras, logits_of

WINDOW = 16
"""Short, so that the recurrences are quick."""
SEED = 1
PUBLISHED = {"BLOCKS": residual_bilstm.BLOCKS, "LAYERS": residual_bilstm.LAYERS}
OWN_LAYERS = ("larnn",)
Fitted = tuple[str, Any, Path]


def table(windows: int) -> WindowTable:
    """Windows of noise around a level that tells the label."""
    generator = np.random.default_rng(2)
    codes = (np.arange(windows) % len(ACTIVITIES) + 1).astype(np.uint8)
    values = 0.3 * generator.standard_normal((windows, WINDOW, len(CHANNELS))) + codes[:, np.newaxis, np.newaxis] / 3
    people = (np.arange(windows) % 4 + 1).astype(np.int16)
    return WindowTable(
        values.astype(np.float32), codes, people, people, np.arange(windows), np.zeros(windows, np.bool_)
    )


def manifest_of(name: str, arch: Architecture, weights: Any) -> Manifest:
    """A manifest with the constants of a shipped one."""
    count = len(arch.channels)
    return msgspec.structs.replace(
        load_manifest(resolve("seed-lstm")),
        name=name,
        architecture=name,
        channels=arch.channels,
        framing=Framing(50.0, WINDOW, WINDOW // 2),
        normalisation=Normalisation((0.0,) * count, (1.0,) * count),
        temperature=1.0,
        weights=weights,
    )


@pytest.fixture(scope="module", autouse=True)
def shallow() -> Iterator[None]:
    """One block of two layers, one LARNN layer: what is traced and exported is the same, but shorter."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(residual_bilstm, "BLOCKS", 1)
        patch.setattr(residual_bilstm, "LAYERS", 2)
        patch.setattr(larnn, "LAYERS", 1)
        yield


@pytest.fixture(scope="module", params=list(ARCHITECTURES))
def fitted(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Fitted:
    """An architecture's name, the network after one epoch on few windows, and its model folder."""
    name: str = request.param
    arch, folder = architecture(name), tmp_path_factory.mktemp(name)
    (folder / KERAS).write_bytes(b"an earlier network's")
    model = fit(arch, Corpus(table(60)), seed=SEED, epochs=1).model
    write_manifest(manifest_of(name, arch, write_weights(model, folder)), folder)
    return name, model, folder


def test_every_weight_learns(fitted: Fitted) -> None:
    name, model, _ = fitted
    arch = architecture(name)
    import_keras().utils.set_random_seed(SEED)
    untrained = arch.build(WINDOW, len(arch.channels), len(ACTIVITIES))
    pairs = list(zip(model.trainable_weights, untrained.trainable_weights, strict=True))
    assert all(one.shape == other.shape for one, other in pairs)
    assert [one.path for one, other in pairs if np.array_equal(one, other)] == []


def test_onnx_runtime_answers_as_keras_whatever_the_batch(fitted: Fitted) -> None:
    name, model, folder = fitted
    session = onnxruntime.InferenceSession(folder / ONNX)
    (signal,) = session.get_inputs()
    for count in (1, 3):
        batch = table(count).values
        taken = batch[:, :, [CHANNELS.index(channel) for channel in architecture(name).channels]]
        answer = session.run(None, {signal.name: taken})[0]
        assert answer.shape == (count, len(ACTIVITIES))
        assert np.abs(answer - logits_of(model, architecture(name), batch)).max() < 1e-5


def test_what_is_shipped_is_what_is_exported_now(fitted: Fitted) -> None:
    name, _, folder = fitted
    if not (MODELS / name).exists():
        pytest.skip("not shipped")
    exported, shipped = (onnx.load(one / ONNX).graph.node for one in (folder, MODELS / name))
    assert Counter(node.op_type for node in exported) == Counter(node.op_type for node in shipped)


def test_the_classifier_serves_it(fitted: Fitted) -> None:
    name, model, folder = fitted
    batch = table(7).values
    told = Classifier(folder, load_manifest(folder)).probabilities(batch)
    assert np.abs(told - softmax(logits_of(model, architecture(name), batch))).max() < 1e-5


def test_keras_alone_loads_the_weights_for_tensorflow(fitted: Fitted) -> None:
    name, model, folder = fitted
    if name in OWN_LAYERS:
        assert not (folder / KERAS).exists()
        ended = run("--source", "sim:", "--model", str(folder), "--engine", "tensorflow")
        assert (ended.code, len(ended.said.splitlines())) == (78, 1), ended.said
        assert "no weights for engine tensorflow" in ended.said
        return
    loaded = import_keras().models.load_model(folder / KERAS, compile=False)
    arch, batch = architecture(name), table(2).values
    assert np.abs(logits_of(loaded, arch, batch) - logits_of(model, arch, batch)).max() < 1e-6


def test_the_residual_network_has_the_published_size(monkeypatch: pytest.MonkeyPatch) -> None:
    import_keras()
    for name, number in PUBLISHED.items():
        monkeypatch.setattr(residual_bilstm, name, number)
    network = architecture("residual-bilstm").build(128, len(CHANNELS), len(ACTIVITIES))
    lstms = [layer for layer in network.layers if type(layer).__name__ == "LSTM"]
    assert [layer.units for layer in lstms] == [14] * 18
    assert sum(layer.go_backwards for layer in lstms) == 9
    # A dense layer and an LSTM in each direction, nine times over, the first of 9 channels; three norms; the logits.
    one_way = (28 * 14 + 14) + 4 * 14 * (14 + 14 + 1)
    assert network.count_params() == 18 * one_way - 2 * (28 - 9) * 14 + 3 * 4 * 28 + 29 * 6
