"""The LARNN cell against its equations, computed number by number."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from training.fit import import_keras

UNITS, HEADS, WINDOW, FEATURES = 6, 3, 4, 5
NORM_EPSILON = 1e-3


def sigmoid(value: np.ndarray) -> np.ndarray:
    return np.asarray(1 / (1 + np.exp(-value)))


def elu(value: np.ndarray) -> np.ndarray:
    return np.where(value > 0, value, np.exp(value) - 1)


def norm(value: np.ndarray, scale: np.ndarray, offset: np.ndarray) -> np.ndarray:
    return np.asarray((value - value.mean()) / np.sqrt(value.var() + NORM_EPSILON) * scale + offset)


def attention(query: np.ndarray, keys: list[np.ndarray], values: list[np.ndarray]) -> np.ndarray:
    """Each head on its own, one number at a time."""
    size, answer = UNITS // HEADS, []
    for head in range(HEADS):
        mine = slice(head * size, (head + 1) * size)
        powers = [np.exp(sum(query[mine] * key[mine]) / np.sqrt(size)) for key in keys]
        answer += [sum(p / sum(powers) * v[mine] for p, v in zip(powers, values, strict=True))]
    return np.concatenate(answer)


def places(window: int) -> np.ndarray:
    octaves = int(np.ceil(np.log2(4 * window)))
    rows = []
    for age in range(window, 0, -1):
        cosines = [np.cos(2 * np.pi * age * 0.5**octave) for octave in range(1, octaves + 1)]
        rows.append(cosines + [np.sin(2 * np.pi * age * 0.5**octave) for octave in range(2, octaves + 2)])
    return np.array(rows)


def reference(weights: dict[str, np.ndarray], steps: np.ndarray) -> np.ndarray:
    """The paper's cell on one sequence (steps, features), with a queue of raw cell states: h (steps, units)."""
    encoding, h, cells, told = places(WINDOW), np.zeros(UNITS), [np.zeros(UNITS)], []
    memory = np.concatenate([weights["memory"], weights["position"]])
    for x in steps:
        cells = cells[-WINDOW:]
        query = elu(np.concatenate([x, h]) @ weights["query"] + weights["query_bias"])
        pairs = zip(cells, encoding[-len(cells) :], strict=True)
        known = [elu(np.concatenate(pair) @ memory + weights["memory_bias"]) for pair in pairs]
        a = attention(query, [one[:UNITS] for one in known], [one[UNITS:] for one in known])
        a = elu(a @ weights["attended"] + weights["attended_bias"])
        a = norm(a, weights["attended_norm/gamma"], weights["attended_norm/beta"])
        packed = np.concatenate([x, h, a]) @ weights["gates"] + weights["gates_bias"]
        g, f, i, o = np.split(packed, 4)
        cells.append(sigmoid(i) * np.tanh(g) + sigmoid(f) * cells[-1])
        h = norm(sigmoid(o) * elu(cells[-1]), weights["hidden_norm/gamma"], weights["hidden_norm/beta"])
        told.append(h)
    return np.array(told)


@pytest.fixture(scope="module")
def layer() -> Any:
    """A LARNN layer whose every weight, biases too, is random."""
    keras = import_keras()
    from training.architectures.larnn_cell import LarnnCell  # noqa: PLC0415 - after Keras is set up

    one = keras.layers.RNN(LarnnCell(UNITS, HEADS, WINDOW), return_sequences=True)
    one.build((None, None, FEATURES))
    generator = np.random.default_rng(5)
    one.set_weights([generator.normal(0, 0.7, weight.shape).astype(np.float32) for weight in one.get_weights()])
    return one


def weights_of(layer: Any) -> dict[str, np.ndarray]:
    named = {"/".join(weight.path.split("/")[-2:]): np.asarray(weight, np.float64) for weight in layer.weights}
    return {name if "norm" in name else name.split("/")[-1]: value for name, value in named.items()}


def test_the_cell_follows_the_papers_equations(layer: Any) -> None:
    steps = np.random.default_rng(6).standard_normal((2, 3 * WINDOW, FEATURES)).astype(np.float32)
    told, weights = np.asarray(layer(steps)), weights_of(layer)
    assert told.shape == (2, 3 * WINDOW, UNITS)
    for given, sequence in zip(told, steps, strict=True):
        assert np.abs(given - reference(weights, sequence.astype(np.float64))).max() < 1e-5


def test_places_that_no_step_has_filled_are_not_attended_to(layer: Any) -> None:
    """Else the first step, whose attention has one cell state to see, would depend on the size of the window."""
    step = np.random.default_rng(7).standard_normal((1, 1, FEATURES)).astype(np.float32)
    cell, queue_at = layer.cell, 2
    states = cell.get_initial_state(1)
    full = [*states]
    full[queue_at] = np.random.default_rng(8).standard_normal((1, WINDOW, 2 * UNITS)).astype(np.float32)
    assert np.array_equal(np.asarray(cell.call(step[:, 0], states)[0]), np.asarray(cell.call(step[:, 0], full)[0]))


def test_states_move_through_the_queue_oldest_out_first(layer: Any) -> None:
    cell = layer.cell
    states = cell.get_initial_state(1)
    queues = []
    for step in np.random.default_rng(9).standard_normal((WINDOW + 2, 1, FEATURES)).astype(np.float32):
        _, states = cell.call(step, states)
        queues.append(np.asarray(states[2][0]))
    assert np.array_equal(queues[-1][:-1], queues[-2][1:])
    assert [int(np.asarray(states[3]).sum())] == [WINDOW]
