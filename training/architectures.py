"""The networks that can be trained, by name. Each takes windows (n, 128, channels) and gives logits (n, 6)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from har_stream.errors import ConfigError, nearest
from har_stream.manifest import CHANNELS


class Recipe(msgspec.Struct, frozen=True):
    """How an architecture is trained: Adam, its learning rate falling to 0 along a half cosine."""

    epochs: int
    batch: int
    learning_rate: float
    clip_norm: float
    chosen: str
    """How these numbers were come by, for the model card."""


@dataclass(frozen=True, slots=True)
class Architecture:
    """A network to build (after Keras is imported), the channels that it takes, and its recipe."""

    build: Callable[[int, int, int], Any]
    channels: tuple[str, ...]
    recipe: Recipe


def architecture(name: str) -> Architecture:
    """Return an architecture by name. Raises ConfigError where there is none of that name."""
    if name not in ARCHITECTURES:
        raise ConfigError(f"unknown architecture {name!r}{nearest(name, ARCHITECTURES)}")
    return ARCHITECTURES[name]


def _seed_lstm(window: int, channels: int, labels: int) -> Any:
    """Two stacked LSTMs of 32 units behind a dense layer, all weights under L2.

    The classic network of the field: G. Chevalier, LSTMs for Human Activity Recognition, 2016.
    """
    import keras  # noqa: PLC0415 - what does not train need not wait for TensorFlow

    l2 = keras.regularizers.L2(SEED_LSTM_L2)
    dense = {"kernel_regularizer": l2, "bias_regularizer": l2}
    recurrent = {**dense, "recurrent_regularizer": l2}
    return keras.Sequential(
        [
            keras.Input((window, channels), name="windows"),
            keras.layers.Dense(SEED_LSTM_UNITS, activation="relu", name="dense", **dense),
            keras.layers.LSTM(SEED_LSTM_UNITS, return_sequences=True, name="lower", **recurrent),
            keras.layers.LSTM(SEED_LSTM_UNITS, name="upper", **recurrent),
            keras.layers.Dense(labels, name="logits", **dense),
        ],
        name="seed_lstm",
    )


SEED_LSTM_L2: Final = 0.0015
SEED_LSTM_UNITS: Final = 32
SEED_LSTM_RECIPE: Final = Recipe(
    epochs=40,
    batch=256,
    learning_rate=0.0025,
    clip_norm=1.0,
    chosen="that of the better of two learning rates (0.0025 and 0.005) on three of these folds",
)

ARCHITECTURES: Final = {
    "seed-lstm": Architecture(_seed_lstm, CHANNELS, SEED_LSTM_RECIPE),
}
