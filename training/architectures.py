"""The networks that can be trained, by name. Each takes windows (n, 128, channels) and gives logits (n, 6)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from har_stream.errors import ConfigError, nearest
from har_stream.manifest import CHANNELS
from training.augmentation import Augmentation


class Recipe(msgspec.Struct, frozen=True, omit_defaults=True):
    """How an architecture is trained: AdamW, its learning rate falling to 0 along a half cosine."""

    epochs: int
    batch: int
    learning_rate: float
    clip_norm: float
    chosen: str
    """How these numbers were come by, for the model card."""
    weight_decay: float = 0.0
    label_smoothing: float = 0.0
    augmentation: Augmentation | None = None


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


def _conv_lstm(window: int, channels: int, labels: int) -> Any:
    """Two strided convolutions that shorten the window to a quarter, then two LSTMs.

    After F. Ordonez and D. Roggen, Deep convolutional and LSTM recurrent neural networks for multimodal wearable
    activity recognition, Sensors 16(1):115, 2016; smaller, and strided so that the recurrence takes 32 steps.
    """
    import keras  # noqa: PLC0415

    layers = keras.layers
    return keras.Sequential(
        [
            keras.Input((window, channels), name="windows"),
            layers.Conv1D(48, 9, strides=2, padding="same", activation="relu", name="coarse"),
            layers.BatchNormalization(name="coarse_norm"),
            layers.Dropout(CONV_LSTM_DROPOUT, name="coarse_dropout"),
            layers.Conv1D(64, 5, strides=2, padding="same", activation="relu", name="fine"),
            layers.BatchNormalization(name="fine_norm"),
            layers.Dropout(CONV_LSTM_DROPOUT, name="fine_dropout"),
            layers.LSTM(64, return_sequences=True, name="lower"),
            layers.Dropout(CONV_LSTM_DROPOUT, name="lower_dropout"),
            layers.LSTM(64, name="upper"),
            layers.Dropout(CONV_LSTM_DROPOUT, name="upper_dropout"),
            layers.Dense(labels, name="logits"),
        ],
        name="conv_lstm",
    )


CONV_LSTM_DROPOUT: Final = 0.3
CONV_LSTM_RECIPE: Final = Recipe(
    epochs=40,
    batch=128,
    learning_rate=0.002,
    clip_norm=1.0,
    weight_decay=0.001,
    label_smoothing=0.1,
    augmentation=Augmentation(tilt_deg=8.0, turned_share=0.5),
    chosen="that of the better of two tilts (5 and 8 degrees an axis) on four of these folds",
)

ARCHITECTURES: Final = {
    "seed-lstm": Architecture(_seed_lstm, CHANNELS, SEED_LSTM_RECIPE),
    "conv-lstm": Architecture(_conv_lstm, CHANNELS, CONV_LSTM_RECIPE),
}
