"""The classifier: both engines agree, batches change nothing, damaged weights are refused before they are parsed."""

from __future__ import annotations

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgspec
import numpy as np
import pytest

from har_stream.classifier import BATCH, Classifier, softmax
from har_stream.errors import ConfigError
from har_stream.manifest import CHANNELS, MODELS, Normalisation, load_manifest, resolve
from tests.motion import model, motion

SHIPPED = resolve("seed-lstm")
EACH_SHIPPED = sorted(path.name for path in MODELS.iterdir() if path.is_dir())
LARGEST_BYTES = 1_000_000


def windows(count: int) -> np.ndarray:
    """Windows in the ranges that real ones have."""
    samples = np.stack([motion(seed, 128) for seed in range(count)])
    return np.concatenate([samples[:, :, :3] - [1, 0, 0], samples[:, :, 3:], samples[:, :, :3]], axis=2).astype(
        np.float32
    )


@pytest.mark.parametrize("name", EACH_SHIPPED)
def test_tensorflow_says_the_same_as_onnx_runtime(name: str) -> None:
    folder = resolve(name)
    manifest = load_manifest(folder)
    onnx = Classifier(folder, manifest)
    tensorflow = Classifier(folder, manifest, engine="tensorflow", trust_keras=True)
    for count in (1, 3, 70):
        batch = windows(count)
        assert np.abs(tensorflow.probabilities(batch) - onnx.probabilities(batch)).max() < 1e-5


def test_a_window_gets_the_same_probabilities_alone_and_in_any_batch() -> None:
    _, classifier = model()
    batch = windows(2 * BATCH + 3)
    together = classifier.probabilities(batch)
    alone = np.concatenate([classifier.probabilities(one[np.newaxis]) for one in batch])
    assert together.shape == (len(batch), 6)
    assert np.abs(together - alone).max() < 1e-5


def test_threads_that_classify_at_a_time_do_not_touch_each_other() -> None:
    _, classifier = model()
    batch = windows(4)
    alone = [classifier.probabilities(one[np.newaxis]) for one in batch]

    def differ(number: int) -> bool:
        one = batch[number % 4][np.newaxis]
        return any(not np.array_equal(classifier.probabilities(one), alone[number % 4]) for _ in range(100))

    with ThreadPoolExecutor(4) as pool:
        assert not any(pool.map(differ, range(8)))


def test_what_was_told_of_a_window_stays_as_it_is() -> None:
    _, classifier = model()
    first, second = windows(2)
    told = classifier.probabilities(first[np.newaxis])
    before = told.copy()
    classifier.probabilities(second[np.newaxis])
    assert np.array_equal(told, before)


def test_probabilities_are_the_softmax_of_the_logits() -> None:
    logits = np.array([[1000, 1000, -1000], [0, np.log(2), np.log(5)]], np.float32)
    assert np.allclose(softmax(logits), [[0.5, 0.5, 0], [1 / 8, 2 / 8, 5 / 8]])


def test_a_model_without_weights_for_an_engine_says_so() -> None:
    manifest, _ = model()
    only_onnx = msgspec.structs.replace(manifest, weights={"onnx": manifest.weights["onnx"]})
    with pytest.raises(ConfigError, match="engine tensorflow"):
        Classifier(SHIPPED, only_onnx, engine="tensorflow", trust_keras=True)


def test_the_manifests_normalisation_is_applied() -> None:
    manifest, classifier = model()
    offset, scale = (0.1, -0.2, 0.3) * 3, (2.0, 0.5, 1.0) * 3
    shifted = msgspec.structs.replace(manifest, normalisation=Normalisation(offset, scale))
    batch = windows(4)
    there = (batch * np.array(scale) + np.array(offset)).astype(np.float32)
    assert np.allclose(Classifier(SHIPPED, shifted).probabilities(there), classifier.probabilities(batch), atol=1e-4)


def test_the_manifests_temperature_divides_the_logits() -> None:
    manifest, classifier = model()
    half = msgspec.structs.replace(manifest, temperature=manifest.temperature / 2)
    cold = Classifier(SHIPPED, half).probabilities(windows(4))
    squares = classifier.probabilities(windows(4)) ** 2
    assert np.allclose(cold, squares / squares.sum(axis=1, keepdims=True), atol=1e-5)


def test_a_network_with_other_outputs_than_its_manifest_is_refused() -> None:
    manifest, _ = model()
    with_turn = msgspec.structs.replace(manifest, transitions=("stand_to_sit",))
    with pytest.raises(ConfigError, match=r"gives \(6,\) numbers a window for 7 outputs"):
        Classifier(SHIPPED, with_turn)


@pytest.mark.parametrize("name", EACH_SHIPPED)
def test_shipped_weights_hold_no_more_than_weights(name: str) -> None:
    size = (MODELS / name / "model.onnx").stat().st_size
    assert size < min(LARGEST_BYTES, 6 * load_manifest(MODELS / name).training["parameters"])


@pytest.mark.parametrize("name", EACH_SHIPPED)
def test_shipped_models_channels_and_labels_are_uci_hars(name: str) -> None:
    manifest = load_manifest(MODELS / name)
    assert manifest.channels == CHANNELS
    assert manifest.labels == (
        "walking", "walking_upstairs", "walking_downstairs", "sitting", "standing", "laying",
    )  # fmt: skip


@pytest.mark.parametrize("name", EACH_SHIPPED)
def test_shipped_models_know_the_people_they_were_trained_on(name: str, uci_zip: Path) -> None:
    from har_stream.datasets import Selection, UciHar, open_data_set  # noqa: PLC0415 - this test alone

    data_set = open_data_set(uci_zip)
    assert isinstance(data_set, UciHar)
    table = data_set.windows(Selection("test"))
    answers = Classifier(MODELS / name, load_manifest(MODELS / name)).probabilities(table.values)[:, :6].argmax(axis=1)
    assert (answers + 1 == table.codes).mean() > 0.85


def test_nobody_is_told_of_sessions(tmp_path: Path) -> None:
    """ONNX Runtime keeps what it would send in the home of whoever runs it; none of its own switches is on here."""
    silent = ("ORT_", "CI", "HOME", "XDG_")
    told = {name: value for name, value in os.environ.items() if not name.startswith(silent)} | {"HOME": str(tmp_path)}
    load = "from tests.test_classifier import *; Classifier(SHIPPED, load_manifest(SHIPPED))"
    subprocess.run([sys.executable, "-c", load], env=told, check=True, timeout=60)
    assert not list(tmp_path.rglob("*"))
