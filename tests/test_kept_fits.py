"""Kept fits: read back as they were written, or counted as none."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import msgspec
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from har_stream.datasets import WindowTable
from training import kept_fits
from training.architectures import architecture
from training.corpus import Corpus, Track
from training.kept_fits import (
    FoldOrder,
    KeptFit,
    Key,
    fit_fold,
    fitted_recipe,
    keep,
    kept,
    labelled_windows,
    write_whole,
)

KEY = Key("sway-lstm", "n", ("body_acc_x",), {"batch": 128}, 40, 1, (1, 3), "w", 500, {"keras": "3"})


def some_fit(seed: int = 1, windows: int = 12) -> KeptFit:
    generator = np.random.default_rng(seed)
    probabilities, calibrated = generator.dirichlet(np.ones(6), (2, windows)).astype(np.float32)
    codes = generator.integers(1, 7, windows).astype(np.uint8)
    subject = np.repeat([1, 3], windows // 2).astype(np.int16)
    return KeptFit(np.arange(windows), codes, subject, np.arange(windows) < 2, probabilities, calibrated)


def same(one: KeptFit, other: KeptFit) -> bool:
    pairs = ((getattr(one, name), getattr(other, name)) for name in KeptFit.__slots__)
    return all(left.dtype == right.dtype and np.array_equal(left, right) for left, right in pairs)


def table_of(subjects: list[int]) -> WindowTable:
    people = np.repeat(subjects, 6).astype(np.int16)
    count = len(people)
    values = np.tile(people[:, np.newaxis, np.newaxis], (1, 128, 9)).astype(np.float32)  # every value says whose it is
    codes = np.tile(np.arange(1, 7), len(subjects)).astype(np.uint8)
    return WindowTable(values, codes, people, people, np.arange(count) * 64, np.zeros(count, np.bool_))


def test_a_fit_is_read_back_as_it_was(tmp_path: Path) -> None:
    keep(tmp_path / "one.npz", KEY, some_fit())
    back = kept(tmp_path / "one.npz", KEY)
    assert back is not None
    assert same(back, some_fit())
    assert [path.name for path in tmp_path.iterdir()] == ["one.npz"]


@pytest.mark.parametrize(
    "changed",
    [
        {"network": "m"},
        {"channels": ("body_acc_y",)},
        {"recipe": {"batch": 64}},
        {"epochs": 41},
        {"seed": 2},
        {"held_out": (1, 2)},
        {"windows": "v"},
        {"calibration_samples": 400},
        {"versions": {"keras": "4"}},
    ],
)
def test_a_fit_of_another_key_is_none(tmp_path: Path, changed: dict[str, object]) -> None:
    keep(tmp_path / "one.npz", KEY, some_fit())
    assert kept(tmp_path / "one.npz", msgspec.structs.replace(KEY, **changed)) is None


def test_a_missing_fit_is_none(tmp_path: Path) -> None:
    assert kept(tmp_path / "one.npz", KEY) is None


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(share=st.floats(0, 1, exclude_max=True), mask=st.integers(0, 255))
def test_a_torn_or_damaged_file_never_gives_other_figures(tmp_path: Path, share: float, mask: int) -> None:
    path = tmp_path / "one.npz"
    keep(path, KEY, some_fit())
    content = bytearray(path.read_bytes())
    at = int(share * len(content))
    path.write_bytes(content[:at])
    assert kept(path, KEY) is None
    content[at] ^= mask
    path.write_bytes(content)
    back = kept(path, KEY)
    assert back is None or same(back, some_fit())
    assert back is not None or mask


def test_a_write_that_fails_leaves_the_file_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "one.npz"
    write_whole(path, b"before")

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="No space"):
        write_whole(path, b"after")
    assert path.read_bytes() == b"before"


def test_every_window_and_sample_is_in_the_digest() -> None:
    table = table_of([1, 2])
    digests = {labelled_windows(Corpus(table), calibration_samples=500).digest}
    for name in ("values", "codes", "subject", "experiment", "start"):
        column = getattr(table, name).copy()
        column[-1] += 1
        digests.add(labelled_windows(Corpus(replace(table, **{name: column})), calibration_samples=500).digest)
    track = Track(1, np.zeros((4, 9), np.float32), np.zeros(4, np.uint8))
    for other in (track, replace(track, truth=track.truth + 1), replace(track, channels=track.channels + 1)):
        digests.add(labelled_windows(Corpus(table, (other,)), calibration_samples=500).digest)
    assert len(digests) == 9


def test_neither_prose_nor_epochs_are_in_the_recipe_of_a_key() -> None:
    assert {"batch", "learning_rate", "augmentation"} < set(fitted_recipe(architecture("sway-lstm")))
    assert not {"chosen", "epochs"} & set(fitted_recipe(architecture("sway-lstm")))


@pytest.mark.parametrize(("arch", "calibrated"), [("seed-lstm", 0), ("sway-lstm", 12)])
def test_a_fold_is_fitted_on_the_others_and_told_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arch: str, calibrated: int
) -> None:
    shown: list[set[int]] = []

    def fit(_arch: object, corpus: Corpus, **_: object) -> SimpleNamespace:
        shown.append(set(corpus.table.subject.tolist()))
        return SimpleNamespace(model=None)

    def logits_of(_model: None, _arch: object, values: np.ndarray) -> np.ndarray:
        return np.asarray(values[:, 0, :6])

    monkeypatch.setattr(kept_fits, "fit", fit)
    monkeypatch.setattr(kept_fits, "logits_of", logits_of)
    key = msgspec.structs.replace(KEY, arch=arch, held_out=(2, 3))
    windows = labelled_windows(Corpus(table_of([1, 2, 3, 4])), calibration_samples=500)
    fit_fold(FoldOrder(key, windows, tmp_path / "one.npz"))
    one = kept(tmp_path / "one.npz", key)
    assert one is not None
    assert shown == [{1, 4}]
    assert set(one.subject.tolist()) == {2, 3}
    assert one.rows.tolist() == list(range(6, 18))
    assert (one.probabilities.shape, one.calibrated.shape) == ((12, 6), (calibrated, 6))
    assert np.array_equal(one.used, windows.used[6:18])
