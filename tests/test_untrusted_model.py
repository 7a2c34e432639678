"""A model's folder from who knows where: what is damaged or reaches out of it is refused before anything parses it."""

from __future__ import annotations

import hashlib
import os
import random
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, numpy_helper

from har_stream import classifier, manifest
from har_stream.accounting import Accounting
from har_stream.activities import UNKNOWN
from har_stream.classifier import Classifier
from har_stream.errors import ConfigError
from har_stream.manifest import MANIFEST, Manifest, Weights, load_manifest, resolve
from har_stream.pipeline import Pipeline
from har_stream.samples import Samples
from har_stream.settings import IntakeSettings
from tests.motion import block, motion
from tests.onnx_models import node
from tests.test_newcomers_errors import fault

SHIPPED = resolve("seed-lstm")
FLIPS = 100_000
EVERY = 1 if os.environ.get("HYPOTHESIS_PROFILE") == "nightly" else 5
"""So many bits apart are those of the manifest that are flipped; 5 goes through all places within a byte."""


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    return Path(shutil.copytree(SHIPPED, tmp_path / "model"))


@pytest.fixture
def parsed(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What ONNX Runtime was given to parse."""
    given: list[Any] = []
    session = onnxruntime.InferenceSession

    def spy(model: Any, *more: Any, **named: Any) -> Any:
        given.append(model)
        return session(model, *more, **named)

    monkeypatch.setattr(onnxruntime, "InferenceSession", spy)
    return given


def test_the_bytes_are_taken_for_onnx_whatever_they_look_like(monkeypatch: pytest.MonkeyPatch) -> None:
    chosen: list[str] = []
    session = onnxruntime.InferenceSession

    def spy(model: bytes, options: Any, **named: Any) -> Any:
        chosen.append(options.get_session_config_entry("session.load_model_format"))
        return session(model, options, **named)

    monkeypatch.setattr(onnxruntime, "InferenceSession", spy)
    Classifier(SHIPPED, load_manifest(SHIPPED))
    assert chosen == ["ONNX"]


def with_weights(folder: Path, name: str, data: bytes, engine: manifest.Engine = "onnx") -> Manifest:
    """Put weights into a folder as whoever made it may have done, with their right sum in the manifest."""
    (folder / name).write_bytes(data)
    weights = Weights(name, hashlib.sha256(data).hexdigest())
    return msgspec.structs.replace(load_manifest(folder), weights={engine: weights})


def test_100_000_flipped_bits_are_all_refused_before_anything_is_parsed(
    parsed: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    model, generator = load_manifest(SHIPPED), random.Random(1)  # noqa: S311 - which bits is no secret
    data = bytearray((SHIPPED / "model.onnx").read_bytes())
    monkeypatch.setattr(manifest, "read_bounded", lambda *_: bytes(data))
    Classifier(SHIPPED, model)
    assert len(parsed) == 1, "what is not flipped is parsed"
    refused = 0
    for bit in generator.choices(range(8 * len(data)), k=FLIPS):
        data[bit // 8] ^= 1 << bit % 8
        try:
            Classifier(SHIPPED, model)
        except ConfigError as error:
            refused += "SHA-256 differs" in str(error)
        data[bit // 8] ^= 1 << bit % 8
    assert (refused, len(parsed)) == (FLIPS, 1)


def flipped_manifests(monkeypatch: pytest.MonkeyPatch) -> Iterator[Manifest | str]:
    """The shipped manifest with one bit flipped, or what is said of it."""
    data = bytearray((SHIPPED / MANIFEST).read_bytes())
    monkeypatch.setattr(manifest, "read_bounded", lambda *_: bytes(data))
    for bit in range(0, 8 * len(data), EVERY):
        data[bit // 8] ^= 1 << bit % 8
        try:
            yield load_manifest(SHIPPED)
        except ConfigError as error:
            yield str(error)
        data[bit // 8] ^= 1 << bit % 8


class Even:
    """Finds every output equally probable."""

    def __init__(self, outputs: int) -> None:
        self._outputs = outputs

    def probabilities(self, windows: Samples) -> np.ndarray:
        return np.full((len(windows), self._outputs), 1 / self._outputs, np.float32)


def test_every_flipped_bit_of_a_manifest_is_refused_or_gives_one_that_the_stream_can_work_with(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    read = list(flipped_manifests(monkeypatch))
    refusals = [told for told in read if isinstance(told, str)]
    assert all(told.startswith(f"{SHIPPED / MANIFEST}: ") and "\n" not in told for told in refusals)
    manifests = [one for one in read if isinstance(one, Manifest)]
    assert min(len(refusals), len(manifests)) > 1000
    others = {str((one.labels, one.framing, one.filters, one.smoothing)): one for one in manifests}
    assert len(others) > 100
    values = motion(1, 300)
    for other in others.values():
        stream = Pipeline(other, Even(len(other.outputs)), IntakeSettings(max_devices=1), Accounting())
        told = stream.push([block(values)], 0.0)
        assert {one.label for one in told} <= {*other.labels, UNKNOWN}


@pytest.mark.parametrize("name", ["../secret", "/etc/passwd", "sub/weights"])
def test_weights_out_of_the_folder_are_refused(copied: Path, parsed: list[Any], name: str) -> None:
    weights = {"onnx": Weights(name, hashlib.sha256(b"").hexdigest())}
    with pytest.raises(ConfigError, match="must lie beside the manifest"):
        Classifier(copied, msgspec.structs.replace(load_manifest(copied), weights=weights))
    assert not parsed


def test_weights_in_another_file_are_refused_though_their_sum_is_right(copied: Path, parsed: list[Any]) -> None:
    network = onnx.load(copied / "model.onnx")
    onnx.save(network, copied / "whole.onnx", save_as_external_data=True, location="rest.bin", size_threshold=64)
    assert (copied / "rest.bin").stat().st_size > 1000
    model = with_weights(copied, "model.onnx", (copied / "whole.onnx").read_bytes())
    with pytest.raises(ConfigError, match=r"model.onnx: its weights lie in another file \(external data\)"):
        Classifier(copied, model)
    assert not parsed


@pytest.mark.parametrize("data", [b"", b"PK\x03\x04", b"\x80\x04\x95", b"\x08\x09\x12\x06xxORTM" + b"\0" * 64])
def test_what_is_no_onnx_is_one_typed_error(copied: Path, data: bytes) -> None:
    with pytest.raises(ConfigError, match=r"model.onnx: "):
        Classifier(copied, with_weights(copied, "model.onnx", data))


def means_of(declared: list[str | int] | None) -> bytes:
    """A network that gives 6 channels' means, which nobody can tell before it runs, and declares some shape of them."""
    info, values = onnx.helper.make_tensor_value_info, {"none": 0.0, "six": [6.0], "first": [0], "axes": [1]}
    nodes = [
        node("ReduceMean", "x", "means", axes=[1], keepdims=0),
        node("ReduceMean", "x", "any", keepdims=0),
        node("Mul", "any none", "zero"),
        node("Add", "zero six", "count"),
        node("Cast", "count", "last", to=TensorProto.INT64),
        node("Slice", "means first last axes", "y"),
    ]
    constants = [
        numpy_helper.from_array(np.array(value, np.float32 if name in ("none", "six") else np.int64), name)
        for name, value in values.items()
    ]
    given, told = info("x", TensorProto.FLOAT, ["n", 128, 9]), info("y", TensorProto.FLOAT, declared)
    graph = onnx.helper.make_graph(nodes, "means", [given], [told], constants)
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 17)], ir_version=8)
    return bytes(model.SerializeToString())


@pytest.mark.parametrize("declared", [["n", 6], ["n", "m"], None])
def test_a_network_may_declare_what_it_gives_or_not(copied: Path, declared: list[str | int] | None) -> None:
    loaded = Classifier(copied, with_weights(copied, "model.onnx", means_of(declared)))
    values = np.random.default_rng(1).standard_normal((3, 128, 9)).astype(np.float32)
    together, alone = loaded.probabilities(values), [loaded.probabilities(one[np.newaxis]) for one in values]
    assert np.concatenate(alone) == pytest.approx(together, abs=1e-6)
    assert np.ptp(together, axis=0).min() > 0, "they differ"


@pytest.mark.parametrize("outputs", [5, 7, 10**12])
def test_a_network_that_gives_something_else_than_it_declares_is_one_typed_error(copied: Path, outputs: int) -> None:
    with pytest.raises(ConfigError, match=r"does not take its manifest's windows|cannot load it"):
        Classifier(copied, with_weights(copied, "model.onnx", means_of(["n", outputs])))


def test_a_pipe_in_place_of_the_weights_or_the_manifest_is_no_file(copied: Path) -> None:
    model = load_manifest(copied)
    for name in ("model.onnx", MANIFEST):
        (copied / name).unlink()
        os.mkfifo(copied / name)
    with pytest.raises(ConfigError, match=r"model.onnx: not a file"):
        Classifier(copied, model)
    with pytest.raises(ConfigError, match=r"manifest.json: not a file"):
        load_manifest(copied)


def test_files_that_are_far_too_long_are_not_read(copied: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = load_manifest(copied)
    monkeypatch.setattr(manifest, "MOST_WEIGHTS_BYTES", 1000)
    monkeypatch.setattr(manifest, "MOST_MANIFEST_BYTES", 1000)
    with pytest.raises(ConfigError, match=r"model.onnx: longer than 1000 bytes"):
        Classifier(copied, model)
    with pytest.raises(ConfigError, match=r"manifest.json: longer than 1000 bytes"):
        load_manifest(copied)


@pytest.mark.parametrize("engine", ["onnx", "tensorflow"])
def test_what_was_checked_is_what_is_loaded_whoever_replaces_the_file_meanwhile(
    copied: Path, monkeypatch: pytest.MonkeyPatch, engine: manifest.Engine
) -> None:
    window = np.zeros((1, 128, 9), np.float32)
    expected = Classifier(SHIPPED, load_manifest(SHIPPED)).probabilities(window)
    read = manifest.read_weights

    def replaced(folder: Path, weights: Weights) -> bytes:
        data = read(folder, weights)
        (folder / weights.file).write_bytes(b"something else")
        return data

    monkeypatch.setattr(classifier, "read_weights", replaced)
    ours = Classifier(copied, load_manifest(copied), engine=engine, trust_keras=True)
    assert ours.probabilities(window) == pytest.approx(expected, abs=1e-5)


def test_keras_files_are_loaded_for_who_says_so_alone_and_with_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    model = load_manifest(SHIPPED)
    with pytest.raises(ConfigError, match="trust_keras = true"):
        Classifier(SHIPPED, model, engine="tensorflow")
    assert not caplog.records
    Classifier(SHIPPED, model, engine="tensorflow", trust_keras=True)
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert "model.keras: loaded as trust_keras says" in caplog.text


def test_a_keras_file_that_is_none_is_one_typed_error(copied: Path) -> None:
    model = with_weights(copied, "model.keras", b"no zip", "tensorflow")
    with pytest.raises(ConfigError, match=r"model.keras: Keras cannot load it"):
        Classifier(copied, model, engine="tensorflow", trust_keras=True)


def test_the_command_line_names_the_flag(copied: Path) -> None:
    words = ("--source", "sim:", "--model", str(copied), "--engine", "tensorflow")
    assert "--trust-keras" in fault(os.EX_CONFIG, *words)
