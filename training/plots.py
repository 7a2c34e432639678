"""The figures of har-train evaluate as pictures, for people who would rather look."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import matplotlib as mpl
import numpy as np
from numpy.typing import NDArray

mpl.use("Agg")  # pictures go to files; no screen is needed
from matplotlib import pyplot as plt
from matplotlib.axes import Axes

from har_stream.activities import ACTIVITIES
from har_stream.sinks.terminal import spoken
from training.curves import Curves
from training.scores import CALIBRATION_BINS
from training.stream_scores import NOTHING, Timeline

NAMES: Final = tuple(map(spoken, ACTIVITIES))
COLOURS: Final = ("#2ca02c", "#98df8a", "#17becf", "#e6b800", "#1f77b4", "#9467bd")
LIGHT_ABOVE: Final = 0.5
"""Share of a row from which its cell is dark, and its number light."""


def draw_all(
    figures: dict[str, Any],
    probabilities: NDArray[np.float32],
    codes: NDArray[np.uint8],
    timelines: dict[str, Timeline],
    folder: Path,
    *,
    curves: Curves | None,
) -> list[Path]:
    """Write every picture into a folder, and return their places.

    figures are those of evaluate; probabilities (n, 6) and true codes (n,) those of the labelled windows;
    timelines, by device, whole recordings, of which the first is drawn; curves those of the training, where known.
    """
    folder.mkdir(parents=True, exist_ok=True)
    pictures = {
        "confusion": lambda axes: _confusion(axes, np.array(figures["windows"]["confusion"])),
        "people": lambda axes: _people(axes, figures["windows"]["per_subject"]),
        "calibration": lambda axes: _calibration(axes, probabilities, codes),
    }
    if timelines:
        device, timeline = next(iter(timelines.items()))
        pictures["timeline"] = lambda axes: _timeline(axes, device, timeline)
    if curves is not None:
        pictures["curves"] = lambda axes: _curves(axes, curves)
    return [_saved(folder / f"{name}.png", draw, wide=name == "timeline") for name, draw in pictures.items()]


def _saved(path: Path, draw: Any, *, wide: bool) -> Path:
    figure, axes = plt.subplots(figsize=(12, 2.6) if wide else (6.4, 5.2), layout="constrained")
    draw(axes)
    figure.savefig(path, dpi=110)
    plt.close(figure)
    return path


def _confusion(axes: Axes, counts: NDArray[np.int64]) -> None:
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    for (row, column), count in np.ndenumerate(counts):
        colour = "white" if shares[row, column] > LIGHT_ABOVE else "black"
        axes.text(column, row, str(count), ha="center", va="center", color=colour)
    axes.set_xticks(range(len(NAMES)), NAMES, rotation=30, ha="right")
    axes.set_yticks(range(len(NAMES)), NAMES)
    axes.set(xlabel="answer", ylabel="truth", title="Windows: what was taken for what")


def _people(axes: Axes, per_subject: dict[str, float]) -> None:
    people = sorted(per_subject, key=lambda person: per_subject[person])
    axes.barh(people, [100 * per_subject[person] for person in people], color=COLOURS[4])
    axes.set(xlabel="windows right, %", ylabel="volunteer", title="Each volunteer", xlim=(0, 100))


def _calibration(axes: Axes, probabilities: NDArray[np.float32], codes: NDArray[np.uint8]) -> None:
    confidence, right = probabilities.max(axis=1), probabilities.argmax(axis=1) + 1 == codes
    bins = np.minimum((confidence * CALIBRATION_BINS).astype(int), CALIBRATION_BINS - 1)
    filled = np.unique(bins)
    mean = [confidence[bins == one].mean() for one in filled]
    share = [right[bins == one].mean() for one in filled]
    axes.plot([0, 1], [0, 1], color="grey", linestyle=":", label="as sure as right")
    axes.plot(mean, share, marker="o", color=COLOURS[4], label="windows")
    axes.set(xlabel="confidence", ylabel="share right", title="Calibration", xlim=(0, 1), ylim=(0, 1.02))
    axes.legend()


def _curves(axes: Axes, curves: Curves) -> None:
    """Draw accuracies as lines, those of volunteers held out one a fold, and the loss against an axis of its own."""
    _curve(axes, curves.final.accuracy, COLOURS[4], "accuracy on training windows, final fit")
    for number, fold in enumerate(curves.folds):
        label = "accuracy on volunteers held out, each fold" if number == 0 else None
        _curve(axes, fold.held_out_accuracy, COLOURS[0], label)
    loss = axes.twinx()
    _curve(loss, curves.final.loss, "grey", "loss, final fit")
    loss.set(ylabel="loss", ylim=(0, None))
    axes.xaxis.set_major_locator(mpl.ticker.MaxNLocator(integer=True))
    axes.set(xlabel="epoch", ylabel="share right", title="Training", ylim=(None, 1.02))
    axes.legend(
        handles=[*axes.get_legend_handles_labels()[0], *loss.get_legend_handles_labels()[0]], loc="center right"
    )


def _curve(axes: Axes, values: list[float | None], colour: str, label: str | None) -> None:
    style = ":" if colour == "grey" else "-"
    epochs = range(1, len(values) + 1)
    axes.plot(epochs, np.array(values, np.float64), color=colour, linestyle=style, marker=".", label=label)


def _timeline(axes: Axes, device: str, timeline: Timeline) -> None:
    lines = {
        "truth": timeline.truth,
        "raw": timeline.raw,
        "in force": timeline.in_force,
        "settled": timeline.settled,
    }
    palette = mpl.colors.ListedColormap(["#eeeeee", *COLOURS])
    minutes = len(timeline.truth) / timeline.rate_hz / 60
    axes.imshow(
        np.stack(list(lines.values())),
        aspect="auto",
        interpolation="nearest",
        cmap=palette,
        vmin=NOTHING,
        vmax=len(NAMES) - 1,
        extent=(0, minutes, len(lines) - 0.5, -0.5),
    )
    axes.set_yticks(range(len(lines)), list(lines))
    axes.set(xlabel="minutes", title=f"{device}: truth and labels")
    handles = [mpl.patches.Patch(color=colour, label=name) for colour, name in zip(COLOURS, NAMES, strict=True)]
    axes.legend(handles=handles, ncols=1, fontsize="x-small", loc="center left", bbox_to_anchor=(1, 0.5))
