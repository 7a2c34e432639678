"""Subject-wise cross-validation: what a network says of volunteers that it was not trained on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from har_stream.activities import ACTIVITIES, WALKING
from har_stream.classifier import softmax
from har_stream.datasets import WindowTable
from har_stream.errors import InputError
from har_stream.manifest import UprightConstants
from har_stream.samples import Samples
from har_stream.upright import turned
from training.architectures import Architecture
from training.fit import fit, logits_of
from training.smoothing_constants import Judged
from training.streams import Stream, turned_as_learned

MIN_SUBJECTS: Final = 2


@dataclass(frozen=True, slots=True)
class OutOfFold:
    """What networks say of volunteers that they never saw.

    probabilities (n, 6) and fold_of (n,) of each labelled window; calibrated (n, 6) of the same windows turned
    upright by `rotations`; judged, the streams of each fold.
    """

    probabilities: NDArray[np.float32]
    calibrated: NDArray[np.float32]
    fold_of: NDArray[np.int64]
    judged: list[list[Judged]]


def subject_folds(subjects: NDArray[np.int16], folds: int) -> list[list[int]]:
    """Deal the volunteers out into folds. Raises InputError where there are fewer volunteers than two."""
    present = np.unique(subjects).tolist()
    if len(present) < MIN_SUBJECTS:
        raise InputError(f"{len(present)} volunteer in the data: a subject-wise split needs at least {MIN_SUBJECTS}")
    return [present[start::folds] for start in range(min(folds, len(present)))]


def cross_validate(
    arch: Architecture,
    table: WindowTable,
    streams: list[Stream],
    rotations: NDArray[np.float64],
    *,
    upright: UprightConstants | None,
    folds: int,
    seed: int,
    epochs: int | None,
) -> OutOfFold:
    """Train once for each fold on the volunteers outside it, and judge those inside.

    Streams turn themselves upright as they learn to, where `upright` says how.
    """
    probabilities, calibrated = np.zeros((2, len(table.codes), len(ACTIVITIES)), np.float32)
    fold_of = np.zeros(len(table.codes), np.int64)
    judged: list[list[Judged]] = []
    dealt = subject_folds(table.subject, folds)
    for number, held_out in enumerate(dealt):
        inside = np.isin(table.subject, held_out)
        title = f"fold {number + 1} of {len(dealt)}"
        model = fit(arch, table.rows(~inside), labels=len(ACTIVITIES), seed=seed, epochs=epochs, title=title)

        def ask(values: Samples, model: Any = model) -> NDArray[np.float32]:
            return softmax(logits_of(model, arch, values))

        probabilities[inside] = ask(table.values[inside])
        calibrated[inside] = ask(turned(table.values[inside], rotations[inside]))
        fold_of[inside] = number
        own = (stream for stream in streams if stream.subject in held_out)
        judged.append([Judged(_ask_stream(ask, stream, upright), stream.truth, stream.begins) for stream in own])
    return OutOfFold(probabilities, calibrated, fold_of, judged)


def _ask_stream(
    ask: Callable[[Samples], NDArray[np.float32]], stream: Stream, upright: UprightConstants | None
) -> NDArray[np.float32]:
    probabilities = ask(stream.values)
    if upright is None:
        return probabilities
    return ask(turned_as_learned(stream, probabilities[:, ACTIVITIES.index(WALKING)], upright))
