"""The figures of architectures side by side, from the kept fits of their cross-validations; no fit is done here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
from rich.table import Table

from training.kept_fits import KeptFit
from training.scores import fold_scores, window_scores
from training.speed import Network

COLUMNS: Final = (
    "architecture",
    "seeds",
    "accuracy, %",
    "over folds",
    "macro F1",
    "worst person, %",
    "after 10 s of walking, %",
    "parameters",
    "us a window",
)
NONE: Final = "-"
OF_A_FOLD: Final = ("accuracy", "f1_macro", "worst_subject")
LEAST_FOR_SPREAD: Final = 2
"""One seed alone has no standard deviation."""
LEGEND: Final = """\
Cross-validation by volunteer in {folds} folds, on {windows} windows of {subjects} volunteers: each figure is on people
that the network was not trained on. Accuracy: mean and sample standard deviation over the seeds; over folds: standard
deviation of the accuracy over the folds, mean over the seeds; macro F1 and worst person (the accuracy of whom the
network suits least): mean over the seeds. After ten seconds of walking: windows turned upright by these, for networks
trained on such. Time: ONNX Runtime on one core of {processor}, batches of 32, the quickest of {calls} calls."""


def cross_validation(fits: Sequence[KeptFit]) -> dict[str, Any]:
    """Return the figures of one seed, ready for JSON: over all folds and of each, raw and calibrated if it can be."""
    figures = {"windows": _over_folds(fits, calibrated=False)}
    if all(len(one.calibrated) for one in fits):
        figures["windows_calibrated"] = _over_folds(fits, calibrated=True)
    return figures


def _over_folds(fits: Sequence[KeptFit], *, calibrated: bool) -> dict[str, Any]:
    told = [_told(one, calibrated=calibrated) for one in fits]
    fold_of = np.repeat(np.arange(len(told)), [len(columns[1]) for columns in told])
    probabilities, codes, subjects = map(np.concatenate, zip(*told, strict=True))
    folds = [{name: window_scores(*columns)[name] for name in OF_A_FOLD} for columns in told]
    return {**fold_scores(probabilities, codes, subjects, fold_of), "by_fold": folds}


def _told(one: KeptFit, *, calibrated: bool) -> tuple[Any, Any, Any]:
    """Return a fold's (probabilities, codes, subjects), without the windows that calibrated it."""
    if not calibrated:
        return one.probabilities, one.codes, one.subject
    kept = ~one.used
    return one.calibrated[kept], one.codes[kept], one.subject[kept]


def summary(by_seed: Mapping[str, dict[str, Any]]) -> dict[str, Any] | None:
    """Return means and standard deviations over the seeds' cross-validations; None where there is none."""
    if not by_seed:
        return None
    return {
        kind: {
            "accuracy_mean": _mean(figures, "accuracy"),
            "accuracy_std": _std(figures, "accuracy"),
            "fold_std_mean": _mean(figures, "fold_std"),
            "f1_macro_mean": _mean(figures, "f1_macro"),
            "worst_subject_mean": _mean(figures, "worst_subject"),
        }
        for kind in next(iter(by_seed.values()))
        for figures in [[one[kind] for one in by_seed.values()]]
    }


def _mean(figures: list[dict[str, Any]], name: str) -> float:
    return round(float(np.mean([one[name] for one in figures])), 5)


def _std(figures: list[dict[str, Any]], name: str) -> float | None:
    values = [one[name] for one in figures]
    return round(float(np.std(values, ddof=1)), 5) if len(values) >= LEAST_FOR_SPREAD else None


def cells(name: str, seeds_done: int, seeds: int, summed: dict[str, Any] | None, network: Network) -> tuple[str, ...]:
    """Return an architecture's row of the table, a dash where a figure is not known or makes no sense."""
    done = str(seeds) if seeds_done == seeds else f"{seeds_done} of {seeds}"
    size = (f"{network.parameters:,}", f"{network.us_per_window:.1f}")
    if summed is None:
        return (name, done, *[NONE] * (len(COLUMNS) - 4), *size)
    windows, calibrated = summed["windows"], summed.get("windows_calibrated")
    return (
        name,
        done,
        _percent(windows),
        f"{100 * windows['fold_std_mean']:.1f}",
        f"{windows['f1_macro_mean']:.3f}",
        f"{100 * windows['worst_subject_mean']:.1f}",
        _percent(calibrated) if calibrated else NONE,
        *size,
    )


def _percent(figures: dict[str, Any]) -> str:
    spread = "" if figures["accuracy_std"] is None else f" +- {100 * figures['accuracy_std']:.2f}"
    return f"{100 * figures['accuracy_mean']:.2f}{spread}"


def terminal_table(rows: Sequence[tuple[str, ...]]) -> Table:
    """Return the table for a terminal."""
    table = Table(title="Architectures on people that they were not trained on")
    for number, column in enumerate(COLUMNS):
        table.add_column(column, justify="right" if number else "left", no_wrap=not number)
    for row in rows:
        table.add_row(*row)
    return table


def markdown(rows: Sequence[tuple[str, ...]], legend: str) -> str:
    """Return the table as Markdown, what its columns mean beneath."""
    lines = [COLUMNS, ("---", *["---:"] * (len(COLUMNS) - 1)), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines) + f"\n\n{legend}\n"
