"""The manifest of a model: read whole, every fault one clear ConfigError, weights only as the manifest has them."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from har_stream import manifest
from har_stream.errors import ConfigError
from har_stream.manifest import CHANNELS, MANIFEST, Framing, Weights, load_manifest, read_weights, resolve

DATA = b"weights"
SMOOTHING = {
    "dwell_s": [9, 20],
    "jump": [[0, 1], [1, 0]],
    "prior": [0.5, 0.5],
    "evidence": 1,
    "unknown_below": 0.5,
}
UPRIGHT = {"sure_above": 0.9, "least_windows": 4, "forget_windows": 200, "turned_over_deg": 45}
GOOD: dict[str, Any] = {
    "format": 1,
    "name": "tiny",
    "architecture": "none",
    "labels": ["walking", "sitting"],
    "channels": list(CHANNELS),
    "framing": {"rate_hz": 50.0, "window": 128, "hop": 32},
    "filters": {
        "median": 3,
        "noise": {"order": 10, "cutoff_hz": 20.0},
        "gravity": {"order": 3, "cutoff_hz": 0.3},
        "gyro_drift": {"order": 2, "cutoff_hz": 0.1},
        "initial_state": "zero",
    },
    "normalisation": {"offset": [0] * 9, "scale": [1] * 9},
    "smoothing": SMOOTHING,
    "weights": {"onnx": {"file": "model.onnx", "sha256": hashlib.sha256(DATA).hexdigest()}},
    "training": {"epochs": 3, "data": ["HAPT"]},
    "metrics": {},
}


def write(folder: Path, table: dict[str, Any]) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / MANIFEST).write_text(json.dumps(table))
    (folder / "model.onnx").write_bytes(DATA)
    return folder


def changed(change: dict[str, Any]) -> dict[str, Any]:
    """The good manifest with some keys changed, or some keys of its framing and filters."""
    inside = {key: GOOD[key] | change[key] for key in ("framing", "filters") if isinstance(change.get(key), dict)}
    return GOOD | change | inside


def low_pass(order: int, cutoff_hz: float) -> dict[str, Any]:
    return {"noise": {"order": order, "cutoff_hz": cutoff_hz}}


def test_a_good_manifest_is_read_whole(tmp_path: Path) -> None:
    good = load_manifest(write(tmp_path, GOOD))
    assert (good.name, good.labels, good.channels) == ("tiny", ("walking", "sitting"), CHANNELS)
    assert good.framing == Framing(rate_hz=50.0, window=128, hop=32)
    assert good.smoothing.jump == ((0.0, 1.0), (1.0, 0.0))
    assert good.training == {"epochs": 3, "data": ["HAPT"]}
    assert read_weights(tmp_path, good.weights["onnx"]) == DATA


def test_what_follows_the_labels_are_transitions(tmp_path: Path) -> None:
    assert load_manifest(write(tmp_path / "without", GOOD)).outputs == ("walking", "sitting")
    three = {"dwell_s": [9, 20, 3], "jump": [[0, 0, 1], [0, 0, 1], [0, 1, 0]], "prior": [0.5, 0.4, 0.1]}
    turns = {"transitions": ["stand_to_sit"], "smoothing": SMOOTHING | three}
    assert load_manifest(write(tmp_path / "with", GOOD | turns)).outputs == ("walking", "sitting", "stand_to_sit")
    with pytest.raises(ConfigError, match=r"smoothing.dwell_s has 2 values, 3 are needed"):
        load_manifest(write(tmp_path / "short", GOOD | {"transitions": ["stand_to_sit"]}))
    with pytest.raises(ConfigError, match="transitions are not among"):
        load_manifest(write(tmp_path / "odd", GOOD | turns | {"transitions": ["jumping"]}))


@pytest.mark.parametrize("temperature", [0, -1.0, 1e4])
def test_a_temperature_is_above_zero(tmp_path: Path, temperature: float) -> None:
    with pytest.raises(ConfigError, match=r"\$.temperature"):
        load_manifest(write(tmp_path, GOOD | {"temperature": temperature}))


@pytest.mark.parametrize("key", sorted(GOOD))
def test_every_part_is_needed(tmp_path: Path, key: str) -> None:
    without = {name: value for name, value in GOOD.items() if name != key}
    with pytest.raises(ConfigError, match=f"not a model manifest: .*`{key}`"):
        load_manifest(write(tmp_path, without))


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"format": 2}, "format"),
        ({"surplus": 1}, "surplus"),
        ({"name": 5}, r"\$\.name"),
        ({"framing": {"hops": 64}}, "hops"),
        ({"framing": {"hop": 0}}, r"\$.framing.hop"),
        ({"framing": {"window": 64, "hop": 65}}, "framing needs"),
        ({"framing": {"rate_hz": 0}}, r"\$.framing.rate_hz"),
        ({"framing": {"rate_hz": -50}}, r"\$.framing.rate_hz"),
        ({"framing": {"window": 10**9}}, r"\$.framing.window"),
        ({"framing": {"window": 4000}}, "a window of at most 60 s"),
        ({"labels": ["sitting", "sitting"]}, "not all different"),
        ({"labels": ["Walking", "sitting"]}, r"\$.labels"),
        ({"labels": []}, r"\$.labels"),
        ({"name": "a\nb"}, r"\$.name"),
        ({"upright": UPRIGHT, "labels": ["standing", "sitting"]}, "upright needs the label walking"),
        ({"upright": UPRIGHT | {"least_windows": 0}}, "least_windows"),
        ({"smoothing": SMOOTHING | {"jump": [[0, 0.9], [1, 0]]}}, "smoothing.jump has a row"),
        ({"smoothing": SMOOTHING | {"jump": [[-1, 2], [1, 0]]}}, "smoothing.jump"),
        ({"smoothing": SMOOTHING | {"evidence": 1e300}}, "smoothing.evidence"),
        ({"filters": {"median": 5}}, "median"),
        ({"filters": {"initial_state": "last-sample"}}, "initial_state"),
        ({"channels": ["body_acc_w", *CHANNELS[1:]]}, "channels are not among body_acc_x"),
        ({"normalisation": {"offset": [0] * 8, "scale": [1] * 9}}, "normalisation.offset has 8 values, 9 are needed"),
        ({"normalisation": {"offset": [0] * 9, "scale": [1] * 10}}, "normalisation.scale has 10 values, 9 are needed"),
        ({"smoothing": SMOOTHING | {"dwell_s": [1]}}, "smoothing.dwell_s has 1 values, 2 are needed"),
        ({"smoothing": SMOOTHING | {"prior": [0.8, 0.1, 0.1]}}, "smoothing.prior has 3 values, 2 are needed"),
        ({"smoothing": SMOOTHING | {"jump": [[0, 1]]}}, "smoothing.jump has 1 values, 2 are needed"),
        ({"smoothing": SMOOTHING | {"jump": [[0, 1], [1]]}}, "smoothing.jump is not 2 x 2"),
        ({"weights": {"caffe": {"file": "a", "sha256": "b"}}}, "caffe"),
        ({"weights": {"onnx": {"file": "model.onnx"}}}, "sha256"),
        ({"filters": low_pass(0, 20.0)}, "order"),
        ({"filters": low_pass(-1, 20.0)}, "order"),
        ({"filters": low_pass(10, 25.0)}, "cutoff_hz"),
        ({"filters": low_pass(10, 0.0)}, "cutoff_hz"),
        ({"normalisation": {"offset": [0] * 9, "scale": [0] * 9}}, "normalisation.scale"),
        ({"smoothing": SMOOTHING | {"dwell_s": [0, -1]}}, "smoothing.dwell_s"),
        ({"smoothing": SMOOTHING | {"prior": [0, 1]}}, "smoothing.prior"),
    ],
)
def test_a_fault_is_one_line_that_names_file_and_key(tmp_path: Path, change: dict[str, Any], fault: str) -> None:
    with pytest.raises(ConfigError, match=fault) as caught:
        load_manifest(write(tmp_path, changed(change)))
    assert str(caught.value).startswith(f"{tmp_path / MANIFEST}: ")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"[]",
        b"{",
        b"\xff\xfe\x00",
        b'{"name": "\xff"}',
        b'{"\xff": 1}',
        b'{"format": 1e400}',
        b'{"training": {"a": %b' % (b"[" * 100_000),
    ],
)
def test_what_is_not_json_is_refused(tmp_path: Path, data: bytes) -> None:
    (tmp_path / MANIFEST).write_bytes(data)
    with pytest.raises(ConfigError, match=r"manifest.json: not a model manifest"):
        load_manifest(tmp_path)


@given(st.binary() | st.integers(0, len(json.dumps(GOOD)) - 1).map(lambda size: json.dumps(GOOD)[:size].encode()))
def test_damaged_bytes_are_a_config_error(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    folder = tmp_path_factory.getbasetemp()
    (folder / MANIFEST).write_bytes(data)
    with pytest.raises(ConfigError):
        load_manifest(folder)


def test_a_manifest_that_is_a_folder_or_missing_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="No such file"):
        load_manifest(tmp_path)
    (tmp_path / MANIFEST).mkdir()
    with pytest.raises(ConfigError, match="Is a directory"):
        load_manifest(tmp_path)


def test_weights_of_another_sum_are_refused(tmp_path: Path) -> None:
    folder = write(tmp_path, GOOD)
    (folder / "model.onnx").write_bytes(DATA + b"!")
    with pytest.raises(ConfigError, match=r"model.onnx: SHA-256 differs"):
        read_weights(folder, load_manifest(folder).weights["onnx"])


@pytest.mark.parametrize("inside", ["none.onnx", "", "..", "a" * 300, "a\0b"])
def test_weights_that_are_no_file_are_refused(tmp_path: Path, inside: str) -> None:
    with pytest.raises(ConfigError):
        read_weights(tmp_path, Weights(inside, hashlib.sha256(b"").hexdigest()))


@pytest.mark.parametrize("outside", ["../secret", "sub/secret", "/secret", "./secret", "secret/"])
def test_weights_outside_the_folder_are_refused_unread(tmp_path: Path, outside: str) -> None:
    folder = write(tmp_path / "model", GOOD)
    (folder / "sub").mkdir()
    for place in (tmp_path, folder / "sub", folder):
        (place / "secret").write_bytes(DATA)
    outside = str(tmp_path / "secret") if outside == "/secret" else outside
    with pytest.raises(ConfigError, match="weights must lie beside the manifest"):
        read_weights(folder, Weights(outside, hashlib.sha256(DATA).hexdigest()))


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    models = tmp_path / "models"
    models.mkdir()
    monkeypatch.setattr(manifest, "MODELS", models)
    return write(models / "tiny", GOOD)


def test_a_model_is_found_by_name_or_by_path(tmp_path: Path, installed: Path) -> None:
    elsewhere = write(tmp_path / "mine", GOOD)
    assert resolve("tiny") == installed
    assert resolve(str(elsewhere)) == elsewhere


@pytest.mark.parametrize("model", ["tinny", "tiny/nothing", "a\0b", "a" * 5000])
def test_an_unknown_model_suggests_the_nearest(installed: Path, model: str) -> None:
    with pytest.raises(ConfigError, match=r"unknown model .*: no folder with a manifest.json \(.*tiny"):
        resolve(model)
    assert installed.is_dir()
