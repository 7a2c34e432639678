"""Training on a few hundred windows: reproducible, never the same person on both sides, exported as served."""

from __future__ import annotations

import hashlib
import json
from itertools import chain
from pathlib import Path

import msgspec
import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from har_stream.classifier import Classifier
from har_stream.datasets import LabelledSpan, Recording, Selection, WindowTable
from har_stream.errors import InputError
from har_stream.manifest import load_manifest
from tests.motion import motion
from tests.stream_process import run
from training import folds as folds_module
from training.chain import UCI_HAR_FRAMING, uci_har_filters
from training.corpus import Corpus, Track
from training.fit import Epoch, Fitted
from training.folds import NOT_ASKED, Study, answers_of, folds_of, joined, subject_folds
from training.judged import Judged
from training.labelled_windows import windows_of
from training.scores import window_scores
from training.smoothing_constants import UNSURE_BELOW, accuracy, accuracy_across_folds, estimate
from training.streams import streams_of_table

EPOCH = Epoch(1, 1, 1.0, 0.5, 0.001, None)
SMALL = ("--epochs", "1", "--seed", "3", "--arch", "seed-lstm")


def weights_of(model: Path) -> list[bytes]:
    graph = onnx.load(model / "model.onnx").graph
    arrays = (numpy_helper.to_array(one) for one in graph.initializer)
    return sorted(array.tobytes() for array in arrays if array.dtype == np.float32)


def test_fit_makes_the_same_again_with_any_jobs_and_the_daemon_serves_it(small_uci: Path, tmp_path: Path) -> None:
    for jobs, name in enumerate(("first", "second"), start=1):
        words = ("--data", str(small_uci), "--out", str(tmp_path / name), "--jobs", str(jobs))
        ended = run("fit", *SMALL, *words, module="training.cli")
        assert ended.code == 0, ended.said
    assert weights_of(tmp_path / "first") == weights_of(tmp_path / "second")
    # The curves tell the folds' losses to five digits, the figures what their networks answered.
    assert (tmp_path / "first" / "curves.json").read_bytes() == (tmp_path / "second" / "curves.json").read_bytes()
    manifest = load_manifest(tmp_path / "first")
    assert manifest.metrics == load_manifest(tmp_path / "second").metrics
    assert manifest.training["subjects"] == [1, 3]
    assert manifest.training["epochs"] == 1
    assert manifest.metrics["folds"] == 2
    digest = hashlib.sha256((tmp_path / "first" / "model.onnx").read_bytes()).hexdigest()
    assert manifest.weights["onnx"].sha256 == digest
    batch = np.random.default_rng(1).standard_normal((5, 128, 9)).astype(np.float32)
    engines = [
        Classifier(tmp_path / "first", manifest, engine=e, trust_keras=True).probabilities(batch)
        for e in ("onnx", "tensorflow")
    ]
    assert np.abs(engines[0] - engines[1]).max() < 1e-5
    streamed = run("--source", f"replay:{small_uci}?speed=max&split=test", "--model", str(tmp_path / "first"))
    assert len(streamed.lines) == 60


def test_evaluate_scores_the_split_that_is_asked_for(small_uci: Path, tmp_path: Path) -> None:
    out = tmp_path / "figures.json"
    words = ("evaluate", "--model", "seed-lstm", "--data", str(small_uci), "--split", "test", "--json", str(out))
    ended = run(*words, module="training.cli")
    assert ended.code == 0, ended.said
    figures = json.loads(out.read_text())
    assert figures["n_windows"] == 60
    assert set(figures["windows"]["per_subject"]) == {"2", "4"}
    assert np.sum(figures["windows"]["confusion"]) == 60
    assert 0 <= figures["stream"]["accuracy"] <= 1


def test_evaluate_sends_whole_recordings_through_the_pipeline(hapt_zip: Path, tmp_path: Path) -> None:
    words = ("--data", str(hapt_zip), "--subject", "1,5", "--plots", str(tmp_path / "plots"))
    ended = run("evaluate", "--model", "seed-lstm", *words, module="training.cli")
    stream = json.loads(ended.output)["stream"]
    pictures = {path.stem: path.read_bytes() for path in (tmp_path / "plots").glob("*.png")}
    assert set(pictures) == {"confusion", "people", "calibration", "timeline", "curves"}
    assert all(picture.startswith(b"\x89PNG") for picture in pictures.values())
    assert all(0.6 < stream[key] <= 1 for key in ("accuracy", "accuracy_raw", "accuracy_in_force"))
    assert 0 < stream["delay_s"]["p50"] <= stream["delay_s"]["p95"] < 20
    assert stream["delay_s"]["changes"] > 40
    assert 0.2 < stream["labelled_hours"] < 0.4
    assert set(stream["events"]) == {
        "insertion", "merge", "overfill", "deletion", "fragmentation", "underfill",
    }  # fmt: skip


def test_prepare_writes_the_windows_of_both_layouts(hapt_zip: Path, uci_zip: Path, tmp_path: Path) -> None:
    tables = []
    for number, data in enumerate((hapt_zip, uci_zip)):
        out = tmp_path / f"{number}.npz"
        words = ("prepare", "--data", str(data), "--subject", "3,7", "--out", str(out))
        assert run(*words, module="training.cli").code == 0
        tables.append(dict(np.load(out)))
    raw, ready = tables
    assert raw["X"].dtype == np.float32
    assert np.abs(raw["X"] - ready["X"]).max() < 2e-6
    assert all(np.array_equal(raw[key], ready[key]) for key in ("y", "subject"))
    assert set(raw["experiment"].tolist()) == {5, 6, 13, 14}
    # The first label of exp05_user03 is standing from sample 243, counted from 1.
    assert raw["start"][0] == 242


@pytest.mark.parametrize(
    ("words", "code", "reason"),
    [
        (("fit", "--arch", "seed-lsmt", "--data", "x", "--out", "y"), 78, "did you mean 'seed-lstm'?"),
        (("fit", "--arch", "seed-lstm", "--data", "/nowhere", "--out", "y"), 66, "no such file"),
        (("fit", "--arch", "seed-lstm", "--data", "x", "--out", "y", "--folds", "1"), 78, "must be at least 2, or 0"),
        (("fit", "--arch", "seed-lstm", "--data", "x", "--out", "y", "--jobs", "0"), 78, "must be at least 1"),
        (("evaluate", "--model", "absent", "--data", "x"), 78, "unknown model"),
        (("prepare", "--data", "/nowhere", "--out", "y"), 66, "no such file"),
    ],
)
def test_faults_are_one_clear_line(words: tuple[str, ...], code: int, reason: str) -> None:
    ended = run(*words, module="training.cli")
    assert (ended.code, len(ended.said.splitlines())) == (code, 1), ended.said
    assert reason in ended.said


def test_no_volunteer_is_on_both_sides_and_each_is_judged_once() -> None:
    subjects = np.repeat(np.arange(1, 12), 5).astype(np.int16)
    folds = subject_folds(subjects, 4)
    assert sorted(chain.from_iterable(folds)) == list(range(1, 12))
    assert len(folds) == 4


def test_nobody_is_judged_by_a_network_that_was_shown_them(monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[set[int]] = []

    def fit(_arch: object, corpus: Corpus, **_: object) -> Fitted:
        shown.append({*corpus.table.subject.tolist(), *(track.subject for track in corpus.tracks)})
        return Fitted(len(shown) - 1, [EPOCH], 1, 1, None)

    def logits_of(model: int, _arch: object, values: np.ndarray) -> np.ndarray:
        asked = set(values[:, 0, 0].astype(int).tolist())
        assert not asked & shown[model]
        return np.zeros((len(values), 6), np.float32)

    monkeypatch.setattr(folds_module, "fit", fit)
    monkeypatch.setattr(folds_module, "logits_of", logits_of)
    people = np.repeat(np.arange(1, 8), 6).astype(np.int16)
    values = np.tile(people[:, np.newaxis, np.newaxis], (1, 128, 9)).astype(np.float32)  # every value says whose it is
    table = WindowTable(values, np.ones(42, np.uint8), people, people, np.arange(42), np.zeros(42, np.bool_))
    tracks = tuple(Track(person, np.zeros((9, 9), np.float32), np.zeros(9, np.uint8)) for person in range(1, 8))
    corpus = Corpus(table, tracks)
    study = Study("seed-lstm", corpus, np.tile(np.eye(3), (42, 1, 1)), upright=None, seed=1, epochs=1, events=None)
    folds = folds_of(study, streams_of_table(table), 3)
    finished = {fold.number: (fold, answers_of(fold)) for fold in reversed(folds)}
    told = joined(42, list(finished.values()))
    assert set().union(*shown) == set(range(1, 8))
    assert told.fold_of.tolist() == ((people - 1) % 3).tolist()
    assert [curve.held_out for curve in told.curves] == [[1, 4, 7], [2, 5], [3, 6]]
    del finished[1]
    in_part = joined(42, list(finished.values()))
    assert set(people[in_part.fold_of == NOT_ASKED].tolist()) == {2, 5}
    assert len(in_part.judged) == 2


def test_one_volunteer_alone_cannot_be_split() -> None:
    with pytest.raises(InputError, match="subject-wise split"):
        subject_folds(np.ones(9, np.int16), 3)


def test_windows_begin_at_their_label_and_stay_inside() -> None:
    spans = (LabelledSpan(1, 10, 300), LabelledSpan(7, 300, 600), LabelledSpan(5, 600, 728), LabelledSpan(4, 800, 900))
    recording = Recording("d", 8, 15, 50.0, 0.0, motion(1, 1000), np.zeros(1000, np.uint8), spans)
    table = windows_of([recording], uci_har_filters(), UCI_HAR_FRAMING)
    assert table.start.tolist() == [600, 10, 74, 138]
    assert table.codes.tolist() == [5, 1, 1, 1]
    assert table.continues.tolist() == [False, False, True, True]


def test_scores_count_what_is_right() -> None:
    probabilities = np.eye(6, dtype=np.float32)[[0, 0, 3, 4, 4, 5]]
    codes = np.array([1, 2, 4, 4, 5, 6], np.uint8)
    scores = window_scores(probabilities, codes, np.array([1, 1, 1, 2, 2, 2], np.int16))
    assert scores["accuracy"] == pytest.approx(4 / 6, abs=1e-5)
    assert scores["per_subject"] == {"1": pytest.approx(2 / 3, abs=1e-5), "2": pytest.approx(2 / 3, abs=1e-5)}
    assert scores["confusion"][1][0] == scores["confusion"][3][4] == 1
    assert scores["ece"] == pytest.approx(1 / 3, abs=1e-5)
    assert scores["recall_macro"] == pytest.approx(np.mean([1, 0, 0, 0.5, 1, 1]), abs=1e-5)
    assert scores["f1_macro"] == pytest.approx(np.mean([2 / 3, 0, 0, 2 / 3, 2 / 3, 1]), abs=1e-5)


def judged(seed: int, right: float) -> Judged:
    """A stream of activities of 12 windows each, of which a share of windows is told rightly."""
    generator = np.random.default_rng(seed)
    truth = np.repeat(generator.integers(1, 7, 20), 12).astype(np.uint8)
    told = np.where(generator.random(len(truth)) < right, truth - 1, generator.integers(0, 6, len(truth)))
    probabilities = (0.9 * np.eye(6)[told] + 0.1 / 6).astype(np.float32)
    return Judged(probabilities, truth, np.arange(len(truth)) == 0)


def test_estimated_constants_make_settled_labels_better_than_raw_ones() -> None:
    streams = [judged(seed, 0.75) for seed in range(6)]
    prior = (1 / 6,) * 6
    constants = estimate(streams[:3], prior, UCI_HAR_FRAMING)
    assert 10 < np.mean(constants.dwell_s) < 30
    reached = accuracy(streams[3:], constants, UCI_HAR_FRAMING)
    assert reached.settled > reached.raw + 0.05
    assert reached.in_force > reached.raw
    across = accuracy_across_folds([streams[:3], streams[3:]], prior, UCI_HAR_FRAMING)
    assert across.settled > across.raw + 0.05


def test_settled_labels_are_held_against_their_own_segment() -> None:
    # Two segments of different activities, every window told rightly: nothing may be counted as wrong.
    truth = np.repeat([1, 4, 1, 4], 6).astype(np.uint8)
    probabilities = (0.95 * np.eye(6)[truth - 1] + 0.05 / 6).astype(np.float32)
    stream = Judged(probabilities, truth, np.arange(24) % 6 == 0)
    constants = estimate([stream], (1 / 6,) * 6, UCI_HAR_FRAMING)
    assert accuracy([stream], constants, UCI_HAR_FRAMING).settled == 1.0


def test_transitions_that_look_unlike_anything_raise_the_threshold_of_unknown() -> None:
    activities = judged(1, 1.0)
    flat = np.array([0.65, 0.35, 0, 0, 0, 0], np.float32)
    truth = np.where(np.arange(len(activities.truth)) % 24 < 20, activities.truth, 8).astype(np.uint8)
    probabilities = np.where((truth == 8)[:, np.newaxis], flat, activities.probabilities)
    with_transitions = Judged(probabilities, truth, activities.begins)
    prior = (1 / 6,) * 6
    sure = estimate([activities], prior, UCI_HAR_FRAMING)
    wary = estimate([with_transitions], prior, UCI_HAR_FRAMING)
    assert sure.unknown_below <= UNSURE_BELOW < wary.unknown_below
    before = accuracy([with_transitions], msgspec.structs.replace(wary, unknown_below=UNSURE_BELOW), UCI_HAR_FRAMING)
    assert accuracy([with_transitions], wary, UCI_HAR_FRAMING).transitions_unknown > before.transitions_unknown


def test_a_selection_of_the_official_split_keeps_the_nine_apart() -> None:
    everyone = range(1, 31)
    train, test = Selection("train").of(everyone, "here"), Selection("test").of(everyone, "here")
    assert (len(train), len(test)) == (21, 9)
    assert not set(train) & set(test)
