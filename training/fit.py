"""Fit one network to labelled windows: the same seed and data give the same weights on the same kind of processor."""

from __future__ import annotations

import math
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from har_stream.activities import ACTIVITIES, TRANSITIONS
from har_stream.datasets import WindowTable
from har_stream.errors import ConfigError
from har_stream.manifest import CHANNELS
from training.architectures import Architecture, Recipe
from training.corpus import Corpus
from training.examples import Sampling, epochs_of

THREADS: Final = ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS")
STDERR: Final = 2
"""The file descriptor, to which libraries write past Python."""


@dataclass(frozen=True, slots=True)
class Epoch:
    """What the `number`-th of `planned` epochs reached; the accuracy on windows held out where there are any."""

    number: int
    planned: int
    loss: float
    accuracy: float
    learning_rate: float
    held_out_accuracy: float | None


@dataclass(frozen=True, slots=True)
class Fitted:
    """A Keras model with the weights of epoch `kept`, and the epochs that were completed of those planned.

    interrupted_in is the epoch in which the fit was stopped; where none was completed, kept is 0.
    """

    model: Any
    epochs: list[Epoch]
    planned: int
    kept: int
    interrupted_in: int | None


def import_keras() -> Any:
    """Return Keras on TensorFlow, silenced and deterministic. Raises ConfigError where it is not installed."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    # Its other kernels round differently from run to run on some processors.
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")
    # Sums are cut otherwise for other numbers of threads; and networks this small gain more from a second process.
    for name in THREADS:
        os.environ.setdefault(name, "1")
    try:
        with _without_stderr():
            import keras  # noqa: PLC0415 - after the environment is set
            import tensorflow as tf  # noqa: PLC0415
    except ImportError:
        raise ConfigError("training needs TensorFlow: pip install 'har-stream[train]'") from None
    tf.config.experimental.enable_op_determinism()
    return keras


@contextmanager
def _without_stderr() -> Iterator[None]:
    """Keep what TensorFlow says of graphics cards while it loads, whatever its log level, out of the progress bar."""
    sys.stderr.flush()
    kept, nowhere = os.dup(STDERR), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, STDERR)
    try:
        yield
    finally:
        os.dup2(kept, STDERR)
        os.close(kept)
        os.close(nowhere)


def select_channels(values: NDArray[np.float32], channels: tuple[str, ...]) -> NDArray[np.float32]:
    """Return the columns of windows (n, window, 9) that a network takes."""
    return values[:, :, [CHANNELS.index(channel) for channel in channels]]


def fit(
    arch: Architecture,
    corpus: Corpus,
    *,
    seed: int,
    epochs: int | None,
    told: Sequence[Callable[[Epoch], None]] = (),
    held_out: WindowTable | None = None,
    stop: Callable[[], bool] = lambda: False,
) -> Fitted:
    """Return a model trained on all of `corpus`; each of `told` is called with each epoch.

    Its outputs are the activities and, where the recipe draws windows from recordings, their transitions.

    The accuracy on the windows `held_out` is for looking only: nothing is selected by it. Where `stop` becomes true
    the fit ends after the batch, and the model gets the weights of the completed epoch of the lowest training loss:
    no windows are left for a validation.
    """
    keras = _fresh_keras(seed)
    recipe = arch.recipe
    from training.fused_lstm import fused  # noqa: PLC0415 - it needs Keras

    sampling, outputs = sampling_of(arch, corpus), len(outputs_of(arch, corpus))
    windows = sampling.windows if sampling else len(corpus.table.codes)
    plain = arch.build(corpus.table.values.shape[1], len(arch.channels), outputs)
    model = fused(plain)
    total, batches = epochs or recipe.epochs, -(-windows // recipe.batch)
    _compile(keras, model, recipe, updates=total * batches)
    averaged = min(recipe.averaged_epochs, total)
    watch = Watch(model, total, batches, averaged, lambda: _accuracy_on(held_out, model, arch), told, stop)
    hooks = keras.callbacks.LambdaCallback(on_epoch_end=watch.on_epoch_end, on_train_batch_end=watch.on_batch_end)
    drawing: dict[str, Any] = {"seed": seed, "augmentation": recipe.augmentation, "sampling": sampling}
    for first, last, values, targets in epochs_of(corpus, outputs=outputs, epochs=total, **drawing):
        if stop():
            break
        settings = {"batch_size": recipe.batch, "verbose": 0, "callbacks": [hooks]}
        model.fit(select_channels(values, arch.channels), targets, initial_epoch=first, epochs=last, **settings)
    fitted = watch.fitted(interrupted=stop())
    plain.set_weights(model.get_weights())
    return replace(fitted, model=plain)


def _fresh_keras(seed: int) -> Any:
    """Return Keras as if nothing had been fitted before."""
    keras = import_keras()
    keras.backend.clear_session()  # else names, and with them the exported file, tell how many fits went before
    keras.utils.set_random_seed(seed)
    return keras


def _accuracy_on(held_out: WindowTable | None, model: Any, arch: Architecture) -> float | None:
    if held_out is None:
        return None
    told = logits_of(model, arch, held_out.values)[:, : len(ACTIVITIES)]
    return float(np.mean(told.argmax(axis=1) + 1 == held_out.codes))


def outputs_of(arch: Architecture, corpus: Corpus) -> tuple[str, ...]:
    """Return what the outputs of an architecture's network mean when it is trained on a corpus."""
    return ACTIVITIES + (TRANSITIONS if sampling_of(arch, corpus) else ())


def sampling_of(arch: Architecture, corpus: Corpus) -> Sampling | None:
    """Return how windows are drawn from recordings; None where a table's own serve, or there are no recordings."""
    return arch.recipe.sampling if corpus.tracks else None


class Watch:
    """Follows a fit: records its epochs, averages the weights of the last ones, and stops it where that is asked for.

    For the case that it is stopped it keeps the best weights.
    """

    def __init__(
        self,
        model: Any,
        planned: int,
        batches: int,
        averaged: int,
        held_out_accuracy: Callable[[], float | None],
        told: Sequence[Callable[[Epoch], None]],
        stop: Callable[[], bool],
    ) -> None:
        self._model = model
        self._planned = planned
        self._batches = batches
        self._averaged = averaged
        self._sum: list[NDArray[np.float64]] = []
        self._held_out_accuracy = held_out_accuracy
        self._told = told
        self._stop = stop
        self._epochs: list[Epoch] = []
        self._lowest = math.inf
        self._best: tuple[int, list[NDArray[np.float32]]] = (0, [])
        self._torn = False

    def on_batch_end(self, batch: int, logs: dict[str, float]) -> None:
        """Stop the fit within its epoch, where that is asked for."""
        if self._stop() and batch + 1 < self._batches:
            self._model.stop_training = self._torn = True

    def on_epoch_end(self, index: int, logs: dict[str, float]) -> None:
        """Record a complete epoch."""
        if self._torn:  # Keras ends an epoch also where it was stopped within
            return
        rate = float(self._model.optimizer.learning_rate)
        reached = self._held_out_accuracy()
        epoch = Epoch(index + 1, self._planned, logs["loss"], logs["accuracy"], rate, reached)
        self._epochs.append(epoch)
        if epoch.loss < self._lowest:
            self._lowest, self._best = epoch.loss, (epoch.number, self._model.get_weights())
        if epoch.number > self._planned - self._averaged:
            weights = [np.asarray(one, np.float64) for one in self._model.get_weights()]
            self._sum = [before + one for before, one in zip(self._sum, weights, strict=True)] if self._sum else weights
        for one in self._told:
            one(epoch)
        self._model.stop_training = self._stop()

    def fitted(self, *, interrupted: bool) -> Fitted:
        """Return what came of the fit: the averaged weights; where it was interrupted, the best."""
        done = len(self._epochs)
        if not interrupted or done == self._planned:
            if self._averaged > 1:
                self._model.set_weights([one / self._averaged for one in self._sum])
            return Fitted(self._model, self._epochs, self._planned, done, None)
        kept, weights = self._best
        if kept:
            self._model.set_weights(weights)
        return Fitted(self._model, self._epochs, self._planned, kept, done + 1)


def logits_of(model: Any, arch: Architecture, values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return a Keras model's logits (n, outputs) for windows (n, window, 9)."""
    return np.asarray(model.predict(select_channels(values, arch.channels), batch_size=1024, verbose=0))


def _compile(keras: Any, model: Any, recipe: Recipe, *, updates: int) -> None:
    end = recipe.learning_rate_at_end / recipe.learning_rate
    rate = keras.optimizers.schedules.CosineDecay(recipe.learning_rate, updates, alpha=end)
    model.compile(
        optimizer=keras.optimizers.AdamW(rate, weight_decay=recipe.weight_decay, clipnorm=recipe.clip_norm),
        loss=keras.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=recipe.label_smoothing),
        metrics=["accuracy"],
    )
