"""The fused LSTM learns and answers as Keras's own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from training.fit import import_keras

keras = import_keras()

from training.fused_lstm import FusedLSTM, fused  # noqa: E402 - Keras is to be imported as training does

WINDOWS = np.random.default_rng(1).standard_normal((5, 12, 3)).astype(np.float32) * 2


def stacked(**settings: Any) -> Any:
    keras.utils.set_random_seed(1)
    windows = keras.Input((12, 3))
    lower = keras.layers.LSTM(4, return_sequences=True, kernel_regularizer="l2")(windows)
    backwards = keras.layers.LSTM(4, return_sequences=True, go_backwards=True, **settings)(windows)
    upper = keras.layers.LSTM(6)(lower + keras.ops.flip(backwards, axis=1))
    return keras.Model(windows, keras.layers.Dense(2)(upper))


def gradients(model: Any) -> list[Any]:
    import tensorflow as tf  # noqa: PLC0415 - after Keras

    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(model(WINDOWS) ** 2) + sum(model.losses)
    return [np.asarray(one) for one in tape.gradient(loss, [weight.value for weight in model.trainable_variables])]


def kinds(model: Any) -> list[bool]:
    return [isinstance(layer, FusedLSTM) for layer in model.layers if isinstance(layer, keras.layers.LSTM)]


@pytest.mark.parametrize("what", [lambda model: [np.asarray(model(WINDOWS))], gradients])
def test_answers_and_gradients_agree(what: Callable[[Any], list[Any]]) -> None:
    plain = stacked()
    for own, other in zip(what(plain), what(fused(plain)), strict=True):
        assert np.abs(own).max() > 1e-3
        assert np.allclose(own, other, rtol=1e-4, atol=1e-5)


def test_every_plain_layer_is_fused_and_a_special_one_stays() -> None:
    assert kinds(fused(stacked())) == [True, True, True]
    assert sorted(kinds(fused(stacked(activation="relu")))) == [False, True, True]


def test_weights_go_back_and_forth() -> None:
    plain = stacked()
    copy = fused(plain)
    copy.set_weights([weight + 1 for weight in copy.get_weights()])
    plain.set_weights(copy.get_weights())
    assert np.allclose(np.asarray(plain(WINDOWS)), np.asarray(copy(WINDOWS)), atol=1e-5)
