"""LSTM layers that one kernel computes, for training. Import only where Keras may be loaded.

On a processor Keras runs an LSTM as a loop over steps, and the loop costs much beside the arithmetic. TensorFlow's
BlockLSTM does a whole sequence in one call, with its own gradient; the numbers agree to rounding. A network is trained
with these layers in place of Keras's own, which hold the weights before and after: what is saved and exported is
Keras's.

BlockLSTM, not BlockLSTMV2: the gradient that TensorFlow 2.21 has for V2 takes the gates in the other's order.
"""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf


class FusedLSTM(keras.layers.LSTM):  # type: ignore[misc]  # Keras comes without types
    """An LSTM with its usual gates (sigmoid, tanh) that starts from zeros, without masks or dropout of its own."""

    def call(self, sequences: Any, initial_state: Any = None, mask: Any = None, training: bool = False) -> Any:  # noqa: FBT001, FBT002 - Keras calls it so
        """Take sequences (n, steps, features), give h of all steps (n, steps, units) or of the last (n, units)."""
        steps_first = tf.transpose(sequences, (1, 0, 2))
        if self.go_backwards:
            steps_first = tf.reverse(steps_first, axis=(0,))
        count = tf.shape(steps_first)
        zeros, no_peephole = tf.zeros((count[1], self.units)), tf.zeros((self.units,))
        cell = self.cell
        weights = tf.concat([tf.convert_to_tensor(cell.kernel), tf.convert_to_tensor(cell.recurrent_kernel)], axis=0)
        told = tf.raw_ops.BlockLSTM(
            seq_len_max=tf.cast(count[0], tf.int64),
            x=steps_first,
            cs_prev=zeros,
            h_prev=zeros,
            w=_reordered(weights),
            b=_reordered(tf.convert_to_tensor(cell.bias)),
            wci=no_peephole,
            wcf=no_peephole,
            wco=no_peephole,
            forget_bias=0.0,  # Keras keeps it in the bias
            cell_clip=-1.0,
            use_peephole=False,
        )
        return tf.transpose(told.h, (1, 0, 2)) if self.return_sequences else told.h[-1]


def fused(model: Any) -> Any:
    """Return a network with the same weights whose LSTM layers, but for special ones, are fused."""
    copy = keras.models.clone_model(model, clone_function=_counterpart)
    copy.set_weights(model.get_weights())
    return copy


def _counterpart(layer: Any) -> Any:
    kind = FusedLSTM if type(layer) is keras.layers.LSTM and _is_plain(layer) else type(layer)
    return kind.from_config(layer.get_config())


def _is_plain(layer: Any) -> bool:
    usual = keras.layers.LSTM(layer.units).get_config()
    settings = layer.get_config()
    special = ("activation", "recurrent_activation", "use_bias", "dropout", "recurrent_dropout", "stateful")
    return all(settings[name] == usual[name] for name in (*special, "return_state"))


def _reordered(gates: Any) -> Any:
    """Bring Keras's order of gates (input, forget, candidate, output) into BlockLSTM's: (i, c, f, o)."""
    i, f, c, o = tf.split(gates, 4, axis=-1)
    return tf.concat([i, c, f, o], axis=-1)
