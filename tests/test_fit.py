"""Fits: interrupted with their best weights, followed in TensorBoard's files, faults of the data told in a line."""

from __future__ import annotations

import json
import math
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
import numpy as np
import pytest

from har_stream.classifier import Classifier
from har_stream.datasets import Selection, WindowTable
from har_stream.manifest import load_manifest
from tests.small_uci import write_small_uci
from tests.stream_process import TIMEOUT_S, Ended, command, environment, run
from training.architectures import architecture
from training.chain import UCI_HAR_FRAMING, uci_har_filters
from training.corpus import Corpus
from training.event_files import EventFile
from training.fit import Epoch, Fitted, Watch, fit
from training.labelled_windows import read_windows


def events_of(folder: Path) -> list[tuple[int, dict[str, float]]]:
    """(step, scalars) of each event; a file that is being written may be cut short."""
    import tensorflow as tf  # noqa: PLC0415 - slow to load

    (path,) = folder.glob("events.out.tfevents.*")
    read = []
    for record in tf.data.TFRecordDataset(str(path)).as_numpy_iterator():
        event = tf.compat.v1.Event.FromString(record)
        if event.summary.value:
            read.append((event.step, {value.tag: value.simple_value for value in event.summary.value}))
    return read


def test_event_files_hold_each_epochs_scalars(tmp_path: Path) -> None:
    with EventFile(tmp_path / "fold-1") as file:
        file.write(Epoch(1, 2, 1.5, 0.25, 0.01, 0.125))
        file.write(Epoch(2, 2, 0.5, 0.75, 0.0, None))
    assert [step for step, _ in events_of(tmp_path / "fold-1")] == [1, 2]
    first, second = (scalars for _, scalars in events_of(tmp_path / "fold-1"))
    rate = pytest.approx(0.01)
    assert first == {"loss": 1.5, "accuracy": 0.25, "learning_rate": rate, "held_out_accuracy": 0.125}
    assert second == {"loss": 0.5, "accuracy": 0.75, "learning_rate": 0.0}


def table_of(folder: Path) -> WindowTable:
    return read_windows(folder, Selection("train"), uci_har_filters(), UCI_HAR_FRAMING)


def fitted_to(folder: Path, arch: str, epochs: int, batch: int = 256, **settings: Any) -> Fitted:
    known = architecture(arch)
    one = replace(known, recipe=msgspec.structs.replace(known.recipe, batch=batch))
    return fit(one, Corpus(table_of(folder)), seed=1, epochs=epochs, **settings)


def same(one: Fitted, other: Fitted) -> bool:
    pairs = zip(one.model.get_weights(), other.model.get_weights(), strict=True)
    return all(np.array_equal(first, second) for first, second in pairs)


def test_looking_at_volunteers_held_out_changes_no_weight(small_uci: Path) -> None:
    blind = fitted_to(small_uci, "sway-lstm", 2)
    looking = fitted_to(small_uci, "sway-lstm", 2, held_out=table_of(small_uci))
    assert same(blind, looking)
    assert [epoch.held_out_accuracy is None for epoch in (*blind.epochs, *looking.epochs)] == [True] * 2 + [False] * 2


@pytest.mark.parametrize("arch", ["seed-lstm", "sway-lstm"])  # all epochs in one go, and each with its own windows
def test_an_interrupted_fit_has_the_weights_of_its_lowest_loss(small_uci: Path, arch: str) -> None:
    seen: list[int] = []
    fitted = fitted_to(small_uci, arch, 6, told=[lambda epoch: seen.append(epoch.number)], stop=lambda: len(seen) == 3)
    lowest = min(fitted.epochs, key=lambda epoch: epoch.loss).number
    assert seen == [1, 2, 3]
    assert (fitted.kept, fitted.interrupted_in, fitted.planned) == (lowest, 4, 6)


def test_weights_that_became_worse_since_are_put_back() -> None:
    model = Network()
    watch = Watch(model, 9, 1, 1, lambda: None, [], lambda: False)
    for index, loss in enumerate((2.0, 1.0, 1.5, math.nan)):
        model.weights = [np.array([loss])]
        watch.on_epoch_end(index, {"loss": loss, "accuracy": 0.5})
    fitted = watch.fitted(interrupted=True)
    assert (fitted.kept, model.weights[0].item()) == (2, 1.0)


@pytest.mark.parametrize(("averaged", "weight"), [(1, 8.0), (2, 6.0), (4, 3.75)])
def test_a_finished_fit_has_the_mean_of_its_last_weights(averaged: int, weight: float) -> None:
    model = Network()
    watch = Watch(model, 4, 1, averaged, lambda: None, [], lambda: False)
    for index, loss in enumerate((1.0, 2.0, 4.0, 8.0)):
        model.weights = [np.array([loss])]
        watch.on_epoch_end(index, {"loss": loss, "accuracy": 0.5})
    assert watch.fitted(interrupted=False).kept == 4
    assert model.weights[0].item() == weight


class Network:
    """What a fit asks of a Keras model, whose weights are its loss."""

    optimizer = SimpleNamespace(learning_rate=0.1)
    stop_training = False

    def __init__(self) -> None:
        self.weights: list[np.ndarray] = []

    def get_weights(self) -> list[np.ndarray]:
        return self.weights

    def set_weights(self, weights: list[np.ndarray]) -> None:
        self.weights = weights


@pytest.mark.parametrize("complete", [0, 1])
def test_an_epoch_that_is_interrupted_counts_for_nothing(small_uci: Path, complete: int) -> None:
    asked = iter([*[False] * (1 + complete * 5), *[True] * 99])  # before the fit, and for an epoch of 4 batches 5 times
    fitted = fitted_to(small_uci, "seed-lstm", 3, batch=16, stop=lambda: next(asked))
    assert len(fitted.epochs) == fitted.kept == complete
    assert fitted.interrupted_in == complete + 1


def interrupted(until: Callable[[], bool], *words: str) -> Ended:
    """Run har-train until a condition holds, then press Ctrl-C."""
    told = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "start_new_session": True}
    process: subprocess.Popen[bytes] = subprocess.Popen(  # type: ignore[call-overload]
        command(*words, module="training.cli"), env=environment(), **told
    )
    deadline_s = time.monotonic() + TIMEOUT_S
    while not until():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline_s
        time.sleep(0.01)
    os.killpg(process.pid, signal.SIGINT)
    output, said = process.communicate(timeout=TIMEOUT_S)
    return Ended(process.returncode, output, said.decode())


def interruption_of(ended: Ended) -> str:
    assert ended.code == 130, ended.said
    (line,) = [line for line in ended.said.splitlines() if line.startswith("har-train: ")]
    return line


def has_begun(folder: Path, *, least_bytes: int = 1) -> bool:
    return any(path.stat().st_size >= least_bytes for path in folder.glob("events.out.tfevents.*"))


def words_of(data: Path, root: Path, *more: str) -> list[str]:
    places = ("--data", str(data), "--out", str(root / "model"), "--tensorboard", str(root / "events"))
    return ["fit", "--arch", "seed-lstm", *places, *more]


def test_ctrl_c_in_the_final_fit_keeps_the_best_epoch(small_uci: Path, tmp_path: Path) -> None:
    final = tmp_path / "events" / "final"
    words = words_of(small_uci, tmp_path, "--epochs", "100000")
    line = interruption_of(interrupted(lambda: has_begun(final, least_bytes=500), *words))
    manifest = load_manifest(tmp_path / "model")
    done, kept = manifest.training["epochs"], manifest.training["weights_of_epoch"]
    assert 1 <= kept <= done < 100000
    assert line == f"har-train: interrupted in epoch {done + 1} of 100000: the weights of epoch {kept} are kept"
    losses = json.loads((tmp_path / "model" / "curves.json").read_text())["final"]["loss"]
    assert len(losses) == done
    assert losses[kept - 1] == min(losses)
    assert manifest.metrics == {}
    assert "Interrupted" in (tmp_path / "model" / "README.md").read_text()
    answers = Classifier(tmp_path / "model", manifest).probabilities(np.zeros((1, 128, 9), np.float32))
    assert answers.shape == (1, 6)
    assert [step for step, _ in events_of(final)] == list(range(1, done + 1))


def test_ctrl_c_before_the_first_epoch_keeps_nothing(small_uci: Path, tmp_path: Path) -> None:
    words = words_of(small_uci, tmp_path, "--epochs", "2")
    line = interruption_of(interrupted(lambda: has_begun(tmp_path / "events" / "final"), *words))
    assert line == "har-train: interrupted before the first epoch was complete: nothing is kept"
    assert list((tmp_path / "model").iterdir()) == []


@pytest.mark.parametrize(("fold", "figures"), [(1, "there are no figures"), (2, "the figures are of 1 of 2 folds")])
def test_ctrl_c_in_the_folds_keeps_those_that_are_finished(
    small_uci: Path, tmp_path: Path, fold: int, figures: str
) -> None:
    words = words_of(small_uci, tmp_path, "--epochs", "20", "--jobs", "1")
    line = interruption_of(interrupted(lambda: has_begun(tmp_path / "events" / f"fold-{fold}"), *words))
    assert line == f"har-train: interrupted in the cross-validation: the model is kept, {figures}"
    manifest = load_manifest(tmp_path / "model")
    assert manifest.training["epochs"] == 20
    assert manifest.metrics.get("folds", 0) == fold - 1
    assert set(manifest.metrics.get("windows", {}).get("per_subject", {})) == {"1"} - {str(fold)}
    assert ("1 of 2 folds" in (tmp_path / "model" / "README.md").read_text()) == (fold == 2)
    assert len(json.loads((tmp_path / "model" / "curves.json").read_text())["folds"]) == fold - 1


def replaced(old: str, new: str, name: str) -> Callable[[Path], None]:
    """Replace a text once in one of the data set's files."""

    def damage(root: Path) -> None:
        path = root / "train" / name
        path.write_text(path.read_text().replace(old, new, 1))

    return damage


def first_value(word: str) -> Callable[[Path], None]:
    def damage(root: Path) -> None:
        path = root / "train" / "Inertial Signals" / "body_gyro_y_train.txt"
        path.write_text(word + path.read_text()[path.read_text().index(" ") :])

    return damage


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (replaced("6\n", "7\n", "y_train.txt"), "train/y_train.txt has labels that are not 1..6"),
        (replaced("1\n", "0\n", "y_train.txt"), "train/y_train.txt has labels that are not 1..6"),
        (replaced("1\n", "1.5\n", "y_train.txt"), "train/y_train.txt has labels that are not 1..6"),
        (first_value("0.5 0.5"), "body_gyro_y_train.txt line 1: 129 numbers, expected 128"),
        (first_value("nan"), ": window 1 is not finite"),
        (first_value("1e99"), ": window 1 is not finite"),
        (replaced("1\n", "", "subject_train.txt"), "train/subject_train.txt has 59 rows, y_train.txt 60"),
    ],
)
def test_faults_of_the_data_are_one_clear_line(
    small_uci: Path, tmp_path: Path, damage: Callable[[Path], None], reason: str
) -> None:
    damage(Path(shutil.copytree(small_uci, tmp_path / "data")))
    assert reason in fault_of_fit(tmp_path / "data", tmp_path)


def test_one_volunteer_alone_is_told_before_the_training(tmp_path: Path) -> None:
    data = write_small_uci(tmp_path / "data", train=(5,))
    assert "1 volunteer in the data: a subject-wise split needs at least 2" in fault_of_fit(data, tmp_path)


def fault_of_fit(data: Path, root: Path) -> str:
    ended = run("fit", "--arch", "seed-lstm", "--data", str(data), "--out", str(root / "m"), module="training.cli")
    assert (ended.code, len(ended.said.splitlines())) == (os.EX_NOINPUT, 1), ended.said
    assert list((root / "m").iterdir()) == []
    return ended.said
