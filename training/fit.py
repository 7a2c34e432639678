"""Fit one network to labelled windows: the same seed and data give the same weights."""

from __future__ import annotations

import os
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from har_stream.datasets import WindowTable
from har_stream.errors import ConfigError
from har_stream.manifest import CHANNELS
from training.architectures import Architecture, Recipe


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


def fit(arch: Architecture, table: WindowTable, *, labels: int, seed: int, epochs: int | None, title: str) -> Any:
    """Return a Keras model trained on all of `table`, with a progress bar on stderr."""
    keras = import_keras()
    keras.backend.clear_session()  # else names, and with them the exported file, tell how many fits went before
    keras.utils.set_random_seed(seed)
    values = select_channels(table.values, arch.channels)
    model = arch.build(values.shape[1], values.shape[2], labels)
    steps = epochs or arch.recipe.epochs
    _compile(keras, model, arch.recipe, updates=steps * -(-len(values) // arch.recipe.batch))
    with _progress() as progress:
        task = progress.add_task(title, total=steps, figures="")

        def report(epoch: int, logs: dict[str, float]) -> None:
            figures = f"loss {logs['loss']:.3f}, accuracy on training windows {logs['accuracy']:.3f}"
            progress.update(task, completed=epoch + 1, figures=figures)

        callbacks = [keras.callbacks.LambdaCallback(on_epoch_end=report)]
        codes = table.codes.astype(np.int32) - 1
        model.fit(values, codes, batch_size=arch.recipe.batch, epochs=steps, verbose=0, callbacks=callbacks)
    return model


def logits_of(model: Any, arch: Architecture, values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return a Keras model's logits (n, labels) for windows (n, window, 9)."""
    return np.asarray(model.predict(select_channels(values, arch.channels), batch_size=1024, verbose=0))


def _compile(keras: Any, model: Any, recipe: Recipe, *, updates: int) -> None:
    rate = keras.optimizers.schedules.CosineDecay(recipe.learning_rate, updates)
    model.compile(
        optimizer=keras.optimizers.Adam(rate, clipnorm=recipe.clip_norm),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
    )


def _progress() -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    return Progress(*columns, TextColumn("{task.fields[figures]}"), console=Console(stderr=True))
