"""Fit one network to labelled windows: the same seed and data give the same weights."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from har_stream.datasets import WindowTable
from har_stream.errors import ConfigError
from har_stream.manifest import CHANNELS
from har_stream.samples import Samples
from training.architectures import Architecture, Recipe
from training.augmentation import augmented, upright_rotations


def import_keras() -> Any:
    """Return Keras on TensorFlow, silenced and deterministic. Raises ConfigError where it is not installed."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    # Its other kernels round differently from run to run on some processors.
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")
    try:
        import keras  # noqa: PLC0415 - after the environment is set
        import tensorflow as tf  # noqa: PLC0415
    except ImportError:
        raise ConfigError("training needs TensorFlow: pip install 'har-stream[train]'") from None
    tf.config.experimental.enable_op_determinism()
    return keras


def select_channels(values: NDArray[np.float32], channels: tuple[str, ...]) -> NDArray[np.float32]:
    """Return the columns of windows (n, window, 9) that a network takes."""
    return values[:, :, [CHANNELS.index(channel) for channel in channels]]


def fit(
    arch: Architecture, table: WindowTable, *, labels: int, seed: int, epochs: int | None, title: str | None
) -> Any:
    """Return a Keras model trained on all of `table`, with a progress bar on stderr; with no title, without."""
    keras = import_keras()
    keras.backend.clear_session()  # else names, and with them the exported file, tell how many fits went before
    keras.utils.set_random_seed(seed)
    recipe = arch.recipe
    model = arch.build(table.values.shape[1], len(arch.channels), labels)
    total = epochs or recipe.epochs
    _compile(keras, model, recipe, updates=total * -(-len(table.codes) // recipe.batch))
    with _progress(shown=title is not None) as progress:
        task = progress.add_task(title or "", total=total, figures="")

        def report(epoch: int, logs: dict[str, float]) -> None:
            figures = f"loss {logs['loss']:.3f}, accuracy on training windows {logs['accuracy']:.3f}"
            progress.update(task, completed=epoch + 1, figures=figures)

        told = [keras.callbacks.LambdaCallback(on_epoch_end=report)]
        for first, last, values in _stages(table, arch, total, seed):
            targets = np.eye(labels, dtype=np.float32)[table.codes - 1]
            windows = select_channels(values, arch.channels)
            settings = {"batch_size": recipe.batch, "verbose": 0, "callbacks": told}
            model.fit(windows, targets, initial_epoch=first, epochs=last, **settings)
    return model


def _stages(table: WindowTable, arch: Architecture, epochs: int, seed: int) -> Iterator[tuple[int, int, Samples]]:
    """Yield (first epoch, last epoch, windows): all at once, or each epoch with windows of its own."""
    how = arch.recipe.augmentation
    if how is None:
        yield 0, epochs, table.values
        return
    generator, upright = np.random.default_rng(seed), upright_rotations(table)
    for epoch in range(epochs):
        yield epoch, epoch + 1, augmented(table.values, upright, how, generator)


def logits_of(model: Any, arch: Architecture, values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return a Keras model's logits (n, labels) for windows (n, window, 9)."""
    return np.asarray(model.predict(select_channels(values, arch.channels), batch_size=1024, verbose=0))


def _compile(keras: Any, model: Any, recipe: Recipe, *, updates: int) -> None:
    rate = keras.optimizers.schedules.CosineDecay(recipe.learning_rate, updates)
    model.compile(
        optimizer=keras.optimizers.AdamW(rate, weight_decay=recipe.weight_decay, clipnorm=recipe.clip_norm),
        loss=keras.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=recipe.label_smoothing),
        metrics=["accuracy"],
    )


def _progress(*, shown: bool) -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    figures = TextColumn("{task.fields[figures]}")
    return Progress(*columns, figures, console=Console(stderr=True), disable=not shown)
