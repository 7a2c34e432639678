"""har-train fit: cross-validate, estimate the smoother's constants, fit on everybody, write the model folder."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

import msgspec
import numpy as np

from har_stream.activities import ACTIVITIES
from har_stream.datasets import Selection, WindowTable
from har_stream.manifest import Filters, Framing, Manifest, Normalisation, Smoothing, UprightConstants
from training.architectures import Architecture, architecture
from training.augmentation import calibration
from training.card import model_card
from training.chain import UCI_HAR_FRAMING, uci_har_filters
from training.export import CARD, write_manifest, write_weights
from training.fit import fit
from training.folds import cross_validate
from training.labelled_windows import read_recordings, read_windows
from training.scores import fold_scores
from training.smoothing_constants import UNSURE_BELOW, accuracy_across_folds, estimate
from training.streams import stream_of, streams_of_table

DATA: Final = "HAPT / UCI HAR training volunteers, UCI Machine Learning Repository 341 and 240"
LICENCE: Final = "CC BY 4.0"
LIBRARIES: Final = ("tensorflow", "keras", "tf2onnx", "numpy", "scipy")
CALIBRATION_SAMPLES: Final = 500
"""The first ten seconds of walking."""
UPRIGHT: Final = UprightConstants(sure_above=0.8, least_windows=4, forget_windows=200, turned_over_deg=40.0)
DEFAULT_EVIDENCE: Final = 1.0
DEFAULT_DWELL_S: Final = 15.0


@dataclass(frozen=True, slots=True)
class Order:
    """What to make, from which data, and how."""

    arch: str
    data: Path
    out: Path
    seed: int
    epochs: int | None
    folds: int


def make_model(order: Order) -> Manifest:
    """Write a model folder and return its manifest. Raises ConfigError, InputError."""
    arch, filters, framing = architecture(order.arch), uci_har_filters(), UCI_HAR_FRAMING
    order.out.mkdir(parents=True, exist_ok=True)  # a folder that cannot be made is told before the training
    selection = Selection("train")
    table = read_windows(order.data, selection, filters, framing)
    prior = tuple((np.bincount(table.codes, minlength=7)[1:] / len(table.codes)).round(4).tolist())
    smoothing = _without_folds(prior)
    metrics: dict[str, Any] = {}
    if order.folds:
        smoothing, metrics = _with_folds(order, arch, table, prior, filters, framing)
    model = fit(arch, table, labels=len(ACTIVITIES), seed=order.seed, epochs=order.epochs, title="final fit")
    manifest = Manifest(
        format=1,
        name=order.out.name,
        architecture=order.arch,
        labels=ACTIVITIES,
        channels=arch.channels,
        framing=framing,
        filters=filters,
        normalisation=Normalisation((0.0,) * len(arch.channels), (1.0,) * len(arch.channels)),
        smoothing=smoothing,
        upright=_upright(arch),
        weights=write_weights(model, order.out),
        training=_provenance(order, table, model),
        metrics=metrics,
    )
    write_manifest(manifest, order.out)
    (order.out / CARD).write_text(model_card(manifest), "utf-8")
    return manifest


def _with_folds(
    order: Order,
    arch: Architecture,
    table: WindowTable,
    prior: tuple[float, ...],
    filters: Filters,
    framing: Framing,
) -> tuple[Smoothing, dict[str, Any]]:
    recordings = read_recordings(order.data, Selection("train"))
    streams = [stream_of(recording, filters, framing) for recording in recordings]
    # Windows made elsewhere are not turned by the daemon either.
    upright = _upright(arch) if streams else None
    rotations, used = calibration(table, samples=CALIBRATION_SAMPLES, window=framing.window)
    out_of_fold = cross_validate(
        arch,
        table,
        streams or streams_of_table(table),
        rotations,
        upright=upright,
        folds=order.folds,
        seed=order.seed,
        epochs=order.epochs,
    )
    smoothing = estimate([stream for fold in out_of_fold.judged for stream in fold], prior, framing)
    reached = accuracy_across_folds(out_of_fold.judged, prior, framing)
    stream = {"accuracy_raw": reached.raw, "accuracy_in_force": reached.in_force, "accuracy": reached.settled}
    figures: dict[str, Any] = {
        "protocol": "subject-wise cross-validation on the training volunteers",
        "folds": int(out_of_fold.fold_of.max()) + 1,
        "windows": fold_scores(out_of_fold.probabilities, table.codes, table.subject, out_of_fold.fold_of),
        "stream": stream,
    }
    if _upright(arch):
        kept = ~used
        figures["windows_calibrated"] = fold_scores(
            out_of_fold.calibrated[kept], table.codes[kept], table.subject[kept], out_of_fold.fold_of[kept]
        )
    return smoothing, figures


def _upright(arch: Architecture) -> UprightConstants | None:
    """Return how a model that was trained on turned windows learns to turn them; None for one that was not."""
    return UPRIGHT if arch.recipe.augmentation else None


def _without_folds(prior: tuple[float, ...]) -> Smoothing:
    """Give every change the same chance: nothing was measured."""
    others = 1 / (len(ACTIVITIES) - 1)
    jump = tuple(
        tuple(0.0 if column == row else others for column in range(len(ACTIVITIES))) for row in range(len(ACTIVITIES))
    )
    return Smoothing((DEFAULT_DWELL_S,) * len(ACTIVITIES), jump, prior, DEFAULT_EVIDENCE, UNSURE_BELOW)


def _provenance(order: Order, table: WindowTable, model: Any) -> dict[str, Any]:
    epochs = f" --epochs {order.epochs}" if order.epochs else ""
    return {
        "data": DATA,
        "licence": LICENCE,
        "subjects": np.unique(table.subject).tolist(),
        "windows": len(table.codes),
        "parameters": int(model.count_params()),
        "seed": order.seed,
        "recipe": msgspec.to_builtins(architecture(order.arch).recipe),
        "command": f"har-train fit --arch {order.arch} --data {order.data.name} --out {order.out.name}"
        f" --seed {order.seed} --folds {order.folds}{epochs}",
        "versions": {library: version(library) for library in LIBRARIES},
    }
