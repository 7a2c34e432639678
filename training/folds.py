"""Subject-wise cross-validation: what a network says of volunteers that it was not trained on."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from har_stream.activities import ACTIVITIES, WALKING
from har_stream.classifier import softmax
from har_stream.errors import InputError
from har_stream.manifest import UprightConstants
from har_stream.samples import Samples
from har_stream.upright import turned
from training.architectures import architecture
from training.corpus import Corpus
from training.curves import Curve, curve_of
from training.event_files import EventFile
from training.fit import Epoch, fit, logits_of
from training.judged import Judged
from training.progress import fold_progress
from training.streams import Stream, turned_as_learned
from training.workers import spread, tell

MIN_SUBJECTS: Final = 2
NOT_ASKED: Final = -1
"""The fold of a window whose volunteer's fold was not finished."""


@dataclass(frozen=True, slots=True)
class Study:
    """What to cross-validate: an architecture by name, on a corpus whose windows `rotations` (n, 3, 3) turn upright.

    Streams turn themselves upright as they learn to, where `upright` says how. Each fold leaves an event file
    fold-1, fold-2, ... in the folder `events`, where there is one.
    """

    arch: str
    corpus: Corpus
    rotations: NDArray[np.float64]
    upright: UprightConstants | None
    seed: int
    epochs: int | None
    events: Path | None


@dataclass(frozen=True, slots=True)
class Fold:
    """One fold of a study: its number from 0 on, the volunteers held out, and their streams."""

    study: Study
    number: int
    held_out: list[int]
    streams: list[Stream]


@dataclass(frozen=True, slots=True)
class Answers:
    """What a network says of the volunteers held out.

    probabilities (m, outputs) of their m labelled windows, calibrated (m, outputs) of these turned upright; judged,
    their streams.
    """

    probabilities: NDArray[np.float32]
    calibrated: NDArray[np.float32]
    judged: list[Judged]
    curve: Curve


@dataclass(frozen=True, slots=True)
class OutOfFold:
    """What networks say of volunteers that they never saw.

    probabilities (n, 6) and fold_of (n,) of each labelled window, NOT_ASKED where the fold was not finished;
    calibrated (n, 6) of the same windows turned upright; judged, the streams of each finished fold, and its curves.
    """

    probabilities: NDArray[np.float32]
    calibrated: NDArray[np.float32]
    fold_of: NDArray[np.int64]
    judged: list[list[Judged]]
    curves: list[Curve]


def subject_folds(subjects: NDArray[np.int16], folds: int) -> list[list[int]]:
    """Deal the volunteers out into folds. Raises InputError where there are fewer volunteers than two."""
    present = np.unique(subjects).tolist()
    if len(present) < MIN_SUBJECTS:
        raise InputError(
            f"{len(present)} volunteer in the data: a subject-wise split needs at least {MIN_SUBJECTS}; "
            "har-train fit --folds 0 does without"
        )
    return [present[start::folds] for start in range(min(folds, len(present)))]


def folds_of(study: Study, streams: Sequence[Stream], folds: int) -> list[Fold]:
    """Return a study's folds. Raises InputError where there are fewer volunteers than two."""
    dealt = subject_folds(study.corpus.table.subject, folds)
    own = [[stream for stream in streams if stream.subject in held_out] for held_out in dealt]
    return [Fold(study, number, *one) for number, one in enumerate(zip(dealt, own, strict=True))]


def cross_validate(folds: list[Fold], *, jobs: int) -> Iterator[tuple[Fold, Answers]]:
    """Yield what each fold's network says as soon as it is trained, `jobs` at a time, with progress on stderr."""
    study = folds[0].study
    epochs = study.epochs or architecture(study.arch).recipe.epochs
    with fold_progress(len(folds), epochs) as shown:
        for number, answers in spread(answers_of, folds, jobs=jobs, told=shown.told):
            codes = study.corpus.table.codes[_inside(folds[number])]
            told = answers.probabilities[:, : len(ACTIVITIES)].argmax(axis=1) + 1
            shown.finished(number, float(np.mean(told == codes)))
            yield folds[number], answers


def answers_of(fold: Fold) -> Answers:
    """Train on the volunteers outside a fold, and judge those inside; each epoch is told to who spread the folds."""
    study, inside = fold.study, _inside(fold)
    arch, held_out = architecture(study.arch), study.corpus.table.rows(inside)
    with ExitStack() as files:
        told: list[Callable[[Epoch], None]] = [tell]
        if study.events is not None:
            told.append(files.enter_context(EventFile(study.events / f"fold-{fold.number + 1}")).write)
        settings: dict[str, Any] = {"seed": study.seed, "epochs": study.epochs, "told": told, "held_out": held_out}
        fitted = fit(arch, study.corpus.without(fold.held_out), **settings)

    def ask(values: Samples) -> NDArray[np.float32]:
        return softmax(logits_of(fitted.model, arch, values))

    judged = [
        Judged(_ask_stream(ask, stream, study.upright), stream.truth, stream.begins, stream.samples)
        for stream in fold.streams
    ]
    calibrated = ask(turned(held_out.values, study.rotations[inside]))
    return Answers(ask(held_out.values), calibrated, judged, curve_of(fitted.epochs, fold.held_out))


def joined(windows: int, finished: Sequence[tuple[Fold, Answers]]) -> OutOfFold:
    """Join what the finished folds' networks said, in the order of the folds, whichever was finished first."""
    probabilities, calibrated = np.zeros((2, windows, len(ACTIVITIES)), np.float32)
    fold_of = np.full(windows, NOT_ASKED, np.int64)
    in_order = sorted(finished, key=lambda one: one[0].number)
    for fold, answers in in_order:
        inside = _inside(fold)
        probabilities[inside] = answers.probabilities[:, : len(ACTIVITIES)]
        calibrated[inside] = answers.calibrated[:, : len(ACTIVITIES)]
        fold_of[inside] = fold.number
    judged, curves = [one.judged for _, one in in_order], [one.curve for _, one in in_order]
    return OutOfFold(probabilities, calibrated, fold_of, judged, curves)


def _inside(fold: Fold) -> NDArray[np.bool_]:
    return fold.study.corpus.inside(fold.held_out)


def _ask_stream(
    ask: Callable[[Samples], NDArray[np.float32]], stream: Stream, upright: UprightConstants | None
) -> NDArray[np.float32]:
    probabilities = ask(stream.values)
    if upright is None:
        return probabilities
    return ask(turned_as_learned(stream, probabilities[:, ACTIVITIES.index(WALKING)], upright))
