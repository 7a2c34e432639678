"""Convolutions before LSTMs, trained on tilted and turned windows."""

from __future__ import annotations

from typing import Any, Final

from har_stream.manifest import CHANNELS
from training.architectures.architecture import Architecture, Recipe
from training.augmentation import Augmentation

DROPOUT: Final = 0.3
RECIPE: Final = Recipe(
    epochs=40,
    batch=128,
    learning_rate=0.002,
    clip_norm=1.0,
    weight_decay=0.001,
    label_smoothing=0.1,
    augmentation=Augmentation(tilt_deg=8.0, turned_tilt_deg=8.0, turned_share=0.5),
    chosen="that of the better of two tilts (5 and 8 degrees an axis) on four of these folds",
)


def build_conv_lstm(window: int, channels: int, labels: int) -> Any:
    """Two strided convolutions that shorten the window to a quarter, then two LSTMs.

    After F. Ordonez and D. Roggen, Deep convolutional and LSTM recurrent neural networks for multimodal wearable
    activity recognition, Sensors 16(1):115, 2016; smaller, and strided so that the recurrence takes 32 steps.
    """
    import keras  # noqa: PLC0415 - what does not train need not wait for TensorFlow

    layers = keras.layers
    return keras.Sequential(
        [
            keras.Input((window, channels), name="windows"),
            layers.Conv1D(48, 9, strides=2, padding="same", activation="relu", name="coarse"),
            layers.BatchNormalization(name="coarse_norm"),
            layers.Dropout(DROPOUT, name="coarse_dropout"),
            layers.Conv1D(64, 5, strides=2, padding="same", activation="relu", name="fine"),
            layers.BatchNormalization(name="fine_norm"),
            layers.Dropout(DROPOUT, name="fine_dropout"),
            layers.LSTM(64, return_sequences=True, name="lower"),
            layers.Dropout(DROPOUT, name="lower_dropout"),
            layers.LSTM(64, name="upper"),
            layers.Dropout(DROPOUT, name="upper_dropout"),
            layers.Dense(labels, name="logits"),
        ],
        name="conv_lstm",
    )


CONV_LSTM: Final = Architecture(build_conv_lstm, CHANNELS, RECIPE)
