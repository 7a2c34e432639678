"""The classic network of the field, on all channels and on the accelerometer's alone."""

from __future__ import annotations

from typing import Any, Final

from har_stream.manifest import CHANNELS
from training.architectures.architecture import Architecture, Recipe

L2: Final = 0.0015
UNITS: Final = 32
RECIPE: Final = Recipe(
    epochs=40,
    batch=256,
    learning_rate=0.0025,
    clip_norm=1.0,
    chosen="that of the better of two learning rates (0.0025 and 0.005) on three of these folds",
)
ACC_RECIPE: Final = Recipe(
    epochs=40,
    batch=256,
    learning_rate=0.0025,
    clip_norm=1.0,
    chosen="that of seed-lstm, whose network this is; nothing was compared on these six channels",
)
ACC_CHANNELS: Final = tuple(channel for channel in CHANNELS if "acc" in channel)
"""For devices without a gyroscope: body and total acceleration."""


def build_seed_lstm(window: int, channels: int, labels: int) -> Any:
    """Two stacked LSTMs of 32 units behind a dense layer, all weights under L2.

    The classic network of the field: G. Chevalier, LSTMs for Human Activity Recognition, 2016.
    """
    import keras  # noqa: PLC0415 - what does not train need not wait for TensorFlow

    l2 = keras.regularizers.L2(L2)
    dense = {"kernel_regularizer": l2, "bias_regularizer": l2}
    recurrent = {**dense, "recurrent_regularizer": l2}
    return keras.Sequential(
        [
            keras.Input((window, channels), name="windows"),
            keras.layers.Dense(UNITS, activation="relu", name="dense", **dense),
            keras.layers.LSTM(UNITS, return_sequences=True, name="lower", **recurrent),
            keras.layers.LSTM(UNITS, name="upper", **recurrent),
            keras.layers.Dense(labels, name="logits", **dense),
        ],
        name="seed_lstm",
    )


SEED_LSTM: Final = Architecture(build_seed_lstm, CHANNELS, RECIPE)
SEED_LSTM_ACC: Final = Architecture(build_seed_lstm, ACC_CHANNELS, ACC_RECIPE)
