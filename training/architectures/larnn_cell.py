"""The LARNN cell: an LSTM cell that attends to its own last cell states. Import only where Keras may be loaded.

Source: G. Chevalier, LARNN: Linear Attention Recurrent Neural Network, 2018, arXiv:1808.05578.
"""

from __future__ import annotations

import math
from typing import Any, Final

import keras
import numpy as np
from numpy.typing import NDArray

GATES: Final = 4
"""Candidate, forget, input and output, in this order, in every matrix to the gates."""
NO_STATE: Final = -1e9
"""Score of a place in the window that no step has filled yet."""


def positional_encoding(window: int) -> NDArray[np.float32]:
    """Return waves (window, 2 b) over the places of the window, oldest first: cosines, then sines.

    b = ceil(log2(4 window)) octaves: the fastest cosine has a period of 2 steps, the slowest sine one of 8 windows or
    more.
    """
    octaves = math.ceil(math.log2(4 * window))
    age = np.arange(window, 0, -1)[:, np.newaxis]
    cosines = np.cos(2 * np.pi * age / 2.0 ** np.arange(1, octaves + 1))
    sines = np.sin(2 * np.pi * age / 2.0 ** np.arange(2, octaves + 2))
    return np.concatenate([cosines, sines], axis=1).astype(np.float32)


@keras.saving.register_keras_serializable(package="har_stream")
class LarnnCell(keras.layers.Layer):  # type: ignore[misc]  # Keras comes without types
    """One step of a LARNN in its "residual" mode, for keras.layers.RNN.

    With the last W cell states c as memory, positional encodings p appended, one query a step and `heads` heads:

        q = elu(Wq [x, h] + bq)
        k_j = elu(Wk [c_j, p_j] + bk),  v_j = elu(Wv [c_j, p_j] + bv)      j = 1 .. W, c_W the last
        a = norm(elu(Wo multihead(softmax(q k_j / sqrt(d)) v_j) + bo))
        g, f, i, o = Wx x + Wh h + Wa a + b
        c = sigmoid(i) tanh(g) + sigmoid(f) c_W
        h = norm(sigmoid(o) elu(c))

    States: h (n, units), c (n, units), the queue (n, W, 2 units), which holds Wk c_j and Wv c_j rather than c_j so that
    each is computed once and not W times, and which of its places are filled (n, W).
    """

    def __init__(self, units: int, heads: int, window: int, **settings: Any) -> None:
        super().__init__(**settings)
        self.units, self.heads, self.window = units, heads, window
        self.state_size = [units, units, (window, 2 * units), window]
        self.output_size = units
        self.encoding = positional_encoding(window)
        self.heads_of_units = np.repeat(np.eye(heads, dtype=np.float32), units // heads, axis=0)

    def build(self, shape: tuple[int | None, int]) -> None:
        """Make the weights for inputs (n, features)."""
        units = self.units

        def matrix(name: str, rows: int, columns: int, initializer: str = "glorot_uniform") -> Any:
            return self.add_weight(shape=(rows, columns), initializer=initializer, name=name)

        self.query = matrix("query", shape[-1] + units, units)
        self.query_bias = self.add_weight(shape=(units,), initializer="zeros", name="query_bias")
        self.memory = matrix("memory", units, 2 * units)
        self.position = matrix("position", self.encoding.shape[1], 2 * units)
        self.memory_bias = self.add_weight(shape=(2 * units,), initializer="zeros", name="memory_bias")
        self.attended = matrix("attended", units, units)
        self.attended_bias = self.add_weight(shape=(units,), initializer="zeros", name="attended_bias")
        self.gates = matrix("gates", shape[-1] + 2 * units, GATES * units)
        self.gates_bias = self.add_weight(shape=(GATES * units,), initializer=_open_forget_gate, name="gates_bias")
        self.attended_norm = keras.layers.LayerNormalization(name="attended_norm")
        self.hidden_norm = keras.layers.LayerNormalization(name="hidden_norm")
        for norm in (self.attended_norm, self.hidden_norm):
            norm.build((None, units))

    def get_initial_state(self, batch_size: Any) -> list[Any]:
        """Return states that remember nothing: zeros, no place filled."""
        shapes = ((self.units,), (self.units,), (self.window, 2 * self.units), (self.window,))
        return [keras.ops.zeros((batch_size, *shape)) for shape in shapes]

    def call(self, x: Any, states: tuple[Any, Any, Any, Any]) -> tuple[Any, list[Any]]:
        """Take x (n, features), give h (n, units) and the next states."""
        ops = keras.ops
        h, c, queue, filled = states
        newest = ops.expand_dims(ops.matmul(c, self.memory), 1)
        queue = ops.concatenate([queue[:, 1:], newest], axis=1)
        filled = ops.concatenate([filled[:, 1:], ops.ones_like(filled[:, :1])], axis=1)
        a = self._attend(ops.concatenate([x, h], axis=1), queue, filled)
        packed = ops.matmul(ops.concatenate([x, h, a], axis=1), self.gates) + self.gates_bias
        g, f, i, o = ops.split(packed, GATES, axis=1)
        c = ops.sigmoid(i) * ops.tanh(g) + ops.sigmoid(f) * c
        h = self.hidden_norm(ops.sigmoid(o) * ops.elu(c))
        return h, [h, c, queue, filled]

    def _attend(self, x_and_h: Any, queue: Any, filled: Any) -> Any:
        """Ask the memory one question: (n, units)."""
        ops, size = keras.ops, self.units // self.heads
        query = ops.elu(ops.matmul(x_and_h, self.query) + self.query_bias)
        memory = ops.elu(queue + ops.matmul(self.encoding, self.position) + self.memory_bias)
        keys, values = ops.split(memory, 2, axis=2)
        # Summing within a head is a product with a matrix of 0 and 1: faster than axes of a few numbers.
        scores = ops.matmul(ops.expand_dims(query, 1) * keys, self.heads_of_units / math.sqrt(size))
        scores = scores + NO_STATE * (1 - ops.expand_dims(filled, -1))
        shares = ops.matmul(ops.softmax(scores, axis=1), self.heads_of_units.T)
        answer = ops.sum(shares * values, axis=1)
        return self.attended_norm(ops.elu(ops.matmul(answer, self.attended) + self.attended_bias))

    def get_config(self) -> dict[str, Any]:
        """Return what makes the same cell again."""
        return {**super().get_config(), "units": self.units, "heads": self.heads, "window": self.window}


def _open_forget_gate(shape: tuple[int, ...], dtype: Any = None) -> Any:
    """As LSTMs begin: to forget nothing."""
    bias = np.zeros(shape, np.float32)
    units = shape[0] // GATES
    bias[units : 2 * units] = 1
    return keras.ops.convert_to_tensor(bias, dtype)
