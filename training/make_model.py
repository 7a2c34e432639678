"""har-train fit: fit on everybody, cross-validate, estimate the smoother's constants, write the model folder."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from har_stream.activities import ACTIVITIES
from har_stream.calibration import WALK_S
from har_stream.datasets import Recording, Selection, WindowTable
from har_stream.manifest import Manifest, Normalisation, Smoothing, UprightConstants
from training.architectures import Architecture, architecture
from training.augmentation import calibration
from training.card import model_card
from training.chain import UCI_HAR_FRAMING, uci_har_filters
from training.corpus import Corpus, read_corpus
from training.curves import Curve, Curves, curve_of, write_curves
from training.event_files import EventFile
from training.export import CARD, write_manifest, write_weights
from training.fit import Fitted, fit, outputs_of, sampling_of
from training.folds import NOT_ASKED, Answers, Fold, OutOfFold, Study, cross_validate, folds_of, joined, subject_folds
from training.interruption import Interruption
from training.own_recordings import OWN_DATA, OWN_LICENCE, paths_of
from training.progress import fit_progress
from training.scores import fold_scores
from training.smoothing_constants import UNSURE_BELOW, accuracy, accuracy_across_folds, estimate
from training.stream_scores import stream_scores
from training.streams import Stream, stream_of, streams_of_table
from training.temperature import recalibrated
from training.unseen_streams import unseen_timelines

DATA: Final = "HAPT / UCI HAR training volunteers, UCI Machine Learning Repository 341 and 240"
LICENCE: Final = "CC BY 4.0"
LIBRARIES: Final = ("tensorflow", "keras", "tf2onnx", "numpy", "scipy")
CALIBRATION_SAMPLES: Final = round(WALK_S * UCI_HAR_FRAMING.rate_hz)
"""The first ten seconds of walking."""
UPRIGHT: Final = UprightConstants(sure_above=0.8, least_windows=4, forget_windows=200, turned_over_deg=40.0)
DEFAULT_EVIDENCE: Final = 1.0
DEFAULT_DWELL_S: Final = 15.0
INTERRUPTED_LATE: Final = "interrupted when every fit was done: the model is whole"


@dataclass(frozen=True, slots=True)
class Order:
    """What to make, from which data, and how: `jobs` folds at a time; `events`, a folder for TensorBoard."""

    arch: str
    data: Path
    out: Path
    seed: int
    epochs: int | None
    folds: int
    jobs: int
    events: Path | None


@dataclass(frozen=True, slots=True)
class Made:
    """The manifest of the folder that was written, and whether the making was interrupted."""

    manifest: Manifest
    interrupted: bool


def make_model(order: Order, say: Callable[[str], None]) -> Made:
    """Fit on everybody, cross-validate, and write a model folder.

    Ctrl-C ends the final fit, which then keeps the weights of its lowest training loss (it has no validation set), or
    the cross-validation, which then tells of the folds that are finished; either is written, and said in a line. A
    second one, or one before the first epoch is complete, raises KeyboardInterrupt. Raises ConfigError, InputError.
    """
    arch, filters, framing = architecture(order.arch), uci_har_filters(), UCI_HAR_FRAMING
    for folder in filter(None, (order.out, order.events)):
        folder.mkdir(parents=True, exist_ok=True)  # a folder that cannot be made is told before the training
    with Interruption() as interruption:
        corpus, recordings = read_corpus(order.data, Selection("train"), filters, framing)
        if order.folds:
            subject_folds(corpus.table.subject, order.folds)  # so is a table that cannot be dealt out
        if missing := _missing(corpus.table):
            say(f"no window of {', '.join(missing)} in the data: the model will not tell that")
        fitted = _fit_on_all(order, arch, corpus, interruption, say)
        manifest = _manifest(order, arch, corpus, fitted)
        final = curve_of(fitted.epochs)
        _write(manifest, Curves(final, []), order.out)  # whatever ends the folds, the model is there
        if fitted.interrupted_in is None:
            if order.folds:
                streams = _streams(corpus, recordings, manifest)
                manifest, folds = _with_folds(order, manifest, corpus, streams, interruption, say)
                _write(manifest, Curves(final, folds), order.out)
            elif interruption.asked:
                say(INTERRUPTED_LATE)
    return Made(manifest, interruption.asked)


def _fit_on_all(
    order: Order, arch: Architecture, corpus: Corpus, interruption: Interruption, say: Callable[[str], None]
) -> Fitted:
    with ExitStack() as opened:
        told = [opened.enter_context(fit_progress("final fit"))]
        if order.events is not None:
            told.append(opened.enter_context(EventFile(order.events / "final")).write)
        settings: dict[str, Any] = {"seed": order.seed, "epochs": order.epochs, "told": told}
        fitted = fit(arch, corpus, stop=lambda: interruption.asked, **settings)
    if not fitted.kept:
        say("interrupted before the first epoch was complete: nothing is kept")
        raise KeyboardInterrupt
    if fitted.interrupted_in is not None:
        where = f"epoch {fitted.interrupted_in} of {fitted.planned}"
        say(f"interrupted in {where}: the weights of epoch {fitted.kept} are kept")
    return fitted


def _manifest(order: Order, arch: Architecture, corpus: Corpus, fitted: Fitted) -> Manifest:
    """Write the weights, and return the manifest of a model that is not cross-validated."""
    outputs = outputs_of(arch, corpus)
    return Manifest(
        format=1,
        name=order.out.name,
        architecture=order.arch,
        labels=ACTIVITIES,
        transitions=outputs[len(ACTIVITIES) :],
        channels=arch.channels,
        framing=UCI_HAR_FRAMING,
        filters=uci_har_filters(),
        normalisation=Normalisation((0.0,) * len(arch.channels), (1.0,) * len(arch.channels)),
        smoothing=_without_folds(prior_of(arch, corpus)),
        upright=_upright(arch),
        weights=write_weights(fitted.model, order.out),
        training=_provenance(order, corpus.table, fitted),
        metrics={},
    )


def _write(manifest: Manifest, curves: Curves, folder: Path) -> None:
    write_manifest(manifest, folder)
    write_curves(curves, folder)
    (folder / CARD).write_text(model_card(manifest), "utf-8")


def _with_folds(
    order: Order,
    manifest: Manifest,
    corpus: Corpus,
    streams: Sequence[Stream],
    interruption: Interruption,
    say: Callable[[str], None],
) -> tuple[Manifest, list[Curve]]:
    """Return the manifest with what the folds tell, and their curves."""
    finished: dict[int, tuple[Fold, Answers]] = {}
    table = corpus.table
    planned = len(subject_folds(table.subject, order.folds))
    rotations, used = calibration(table, samples=CALIBRATION_SAMPLES, window=manifest.framing.window)
    with interruption.cutting_short():
        interruption.check()
        # Windows made elsewhere are not turned by the daemon either.
        upright = manifest.upright if corpus.tracks else None
        study = Study(order.arch, corpus, rotations, upright, order.seed, order.epochs, order.events)
        for fold, answers in cross_validate(folds_of(study, streams, order.folds), jobs=order.jobs):
            finished[fold.number] = fold, answers
    if len(finished) < planned:
        told = f"the figures are of {len(finished)} of {planned} folds" if finished else "there are no figures"
        say(f"interrupted in the cross-validation: the model is kept, {told}")
    elif interruption.asked:
        say(INTERRUPTED_LATE)
    if not finished:
        return manifest, []
    return _learned(manifest, corpus, list(finished.values()), used, planned)


def _learned(
    manifest: Manifest, corpus: Corpus, finished: list[tuple[Fold, Answers]], used: NDArray[np.bool_], planned: int
) -> tuple[Manifest, list[Curve]]:
    """Return the manifest with temperature, smoother's constants and figures of the folds, and their curves."""
    folds, raw = [fold for fold, _ in finished], [answers for _, answers in finished]
    table = corpus.table
    answers, temperature = recalibrated(raw, [table.codes[corpus.inside(fold.held_out)] for fold in folds])
    out_of_fold = joined(len(table.codes), list(zip(folds, answers, strict=True)))
    smoothing, metrics = _figures(out_of_fold, table, used, manifest)
    learned = {"temperature": temperature, "smoothing": smoothing, "metrics": {**metrics, "folds_planned": planned}}
    return msgspec.structs.replace(manifest, **learned), out_of_fold.curves


def _streams(corpus: Corpus, recordings: list[Recording], manifest: Manifest) -> list[Stream]:
    """Return the streams to judge."""
    if not recordings:
        return streams_of_table(corpus.table)
    return [stream_of(one, manifest.filters, manifest.framing) for one in recordings]


def _figures(
    told: OutOfFold, table: WindowTable, used: NDArray[np.bool_], manifest: Manifest
) -> tuple[Smoothing, dict[str, Any]]:
    """Return the smoother's constants and the figures of the folds that are finished."""
    prior, framing = manifest.smoothing.prior, manifest.framing
    smoothing = estimate([stream for fold in told.judged for stream in fold], prior, framing)
    asked = told.fold_of != NOT_ASKED
    figures: dict[str, Any] = {
        "protocol": "subject-wise cross-validation on the training volunteers",
        "folds": len(told.judged),
        "windows": fold_scores(
            told.probabilities[asked], table.codes[asked], table.subject[asked], told.fold_of[asked]
        ),
        "stream": _stream_figures(told, manifest),
    }
    kept = asked & ~used
    if manifest.upright and kept.any():
        figures["windows_calibrated"] = fold_scores(
            told.calibrated[kept], table.codes[kept], table.subject[kept], told.fold_of[kept]
        )
    return smoothing, figures


def _stream_figures(told: OutOfFold, manifest: Manifest) -> dict[str, Any]:
    """Return the figures of whole recordings; of windows alone where the data set holds no recordings."""
    prior, framing = manifest.smoothing.prior, manifest.framing
    if len(told.judged) == 1:  # no other fold to estimate constants on
        reached = accuracy(told.judged[0], manifest.smoothing, framing)
    elif told.judged[0][0].samples is not None:
        return stream_scores(unseen_timelines(told.judged, prior, framing))
    else:
        reached = accuracy_across_folds(told.judged, prior, framing)
    return {"accuracy_raw": reached.raw, "accuracy_in_force": reached.in_force, "accuracy": reached.settled}


def _missing(table: WindowTable) -> list[str]:
    """Return the activities of which there is no window."""
    return [name for code, name in enumerate(ACTIVITIES, 1) if code not in table.codes]


def _upright(arch: Architecture) -> UprightConstants | None:
    """Return how a model that was trained on turned windows learns to turn them; None for one that was not."""
    return UPRIGHT if arch.recipe.augmentation else None


def _without_folds(prior: tuple[float, ...]) -> Smoothing:
    """Give every change the same chance: nothing was measured."""
    states = len(prior)
    others = 1 / (states - 1)
    jump = tuple(tuple(0.0 if column == row else others for column in range(states)) for row in range(states))
    return Smoothing((DEFAULT_DWELL_S,) * states, jump, prior, DEFAULT_EVIDENCE, UNSURE_BELOW)


def prior_of(arch: Architecture, corpus: Corpus) -> tuple[float, ...]:
    """Return the share of each output in what the network is trained on: in samples where it draws from these."""
    outputs = len(outputs_of(arch, corpus))
    drawn = sampling_of(arch, corpus) is not None
    codes = np.concatenate([one.truth for one in corpus.tracks]) if drawn else corpus.table.codes
    counts = np.bincount(codes, minlength=outputs + 1)[1 : outputs + 1]
    return tuple((np.maximum(counts, 1) / np.maximum(counts, 1).sum()).round(4).tolist())


def source_of(data: Path) -> tuple[str, str]:
    """Return what a data set is, and its licence."""
    return (OWN_DATA, OWN_LICENCE) if paths_of(data) else (DATA, LICENCE)


def _provenance(order: Order, table: WindowTable, fitted: Fitted) -> dict[str, Any]:
    epochs = f" --epochs {order.epochs}" if order.epochs else ""
    data, licence = source_of(order.data)
    return {
        "data": data,
        "licence": licence,
        "subjects": np.unique(table.subject).tolist(),
        "windows": len(table.codes),
        "parameters": int(fitted.model.count_params()),
        "seed": order.seed,
        "epochs": len(fitted.epochs),
        "epochs_planned": fitted.planned,
        "weights_of_epoch": fitted.kept,
        "recipe": msgspec.to_builtins(architecture(order.arch).recipe),
        "command": f"har-train fit --arch {order.arch} --data {order.data.name} --out {order.out.name}"
        f" --seed {order.seed} --folds {order.folds}{epochs}",
        "versions": {library: version(library) for library in LIBRARIES},
    }
