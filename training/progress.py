"""How far the fits are, as bars on stderr with the figures so far."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from training.fit import Epoch

BAR_WIDTH: Final = 16


@contextmanager
def fit_progress(title: str) -> Iterator[Callable[[Epoch], None]]:
    """Show one fit; the value is to be called with each epoch."""
    with _bar() as progress:
        task = progress.add_task(title, total=None, figures="")

        def told(epoch: Epoch) -> None:
            progress.update(task, total=epoch.planned, completed=epoch.number, figures=_training_figures(epoch))

        yield told


class FoldProgress:
    """Shows the epochs of all folds as one bar, with each finished fold's accuracy on the volunteers held out."""

    def __init__(self, progress: Progress, task: TaskID) -> None:
        self._progress = progress
        self._task = task
        self._epochs: dict[int, int] = {}
        self._now = ""
        self._reached: dict[int, float] = {}

    def told(self, fold: int, epoch: Epoch) -> None:
        """Show an epoch of a fold, which counts from 0."""
        self._epochs[fold] = epoch.number
        self._now = _training_figures(epoch)
        self._show()

    def finished(self, fold: int, accuracy: float) -> None:
        """Show what a finished fold reached."""
        self._reached[fold] = accuracy
        self._show()

    def _show(self) -> None:
        reached = " ".join(f"{accuracy:.1%}" for _, accuracy in sorted(self._reached.items()))
        figures = f"{self._now}; held out {reached}" if reached else self._now
        self._progress.update(self._task, completed=sum(self._epochs.values()), figures=figures)


@contextmanager
def fold_progress(folds: int, epochs: int) -> Iterator[FoldProgress]:
    """Show `folds` fits of `epochs` each."""
    with _bar() as progress:
        yield FoldProgress(progress, progress.add_task(f"{folds} folds", total=folds * epochs, figures=""))


def _training_figures(epoch: Epoch) -> str:
    return f"loss {epoch.loss:.3f}, training accuracy {epoch.accuracy:.3f}"


def _bar() -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(BAR_WIDTH), MofNCompleteColumn(), TimeRemainingColumn())
    return Progress(*columns, TextColumn("{task.fields[figures]}"), console=Console(stderr=True))
