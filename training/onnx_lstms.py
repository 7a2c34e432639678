"""LSTMs of an exported graph made cheaper: fewer nodes around them, and what scales their input in their weights.

An LSTM starts from zeros that need not be made, and holds its last state, which need not be cut out of all. Small nodes
cost little beside the arithmetic of a batch of 32, and much beside that of one window.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from training.onnx_graph import Graph, Values, attribute, operand

WEIGHTS, BIAS = 1, 3
"""The places of what an LSTM multiplies its input with, and of what it adds, among its inputs."""
INITIAL_STATES: Final = (5, 6)
"""The places of an LSTM's initial h and c among its inputs."""
ALL_STATES, LAST_STATE = 0, 1
"""The places of h after each step and after the last among an LSTM's outputs."""
STEPS, DIRECTIONS = 0, 1
"""The axes of an LSTM's steps and directions in the first of them."""
FEATURES: Final = 2
"""The axis of the features in an LSTM's input (steps, n, features)."""


def start_from_zeros(graph: Graph, lstm: Any) -> None:
    """Leave an LSTM's initial states out where they are zeros, which it starts from anyway."""
    for place in INITIAL_STATES:
        if place < len(lstm.input) and _is_zeros(graph, lstm.input[place]):
            lstm.input[place] = ""


def _is_zeros(graph: Graph, name: str) -> bool:
    """Return whether what has this name is made of zeros alone, however many."""
    while maker := graph.maker(name, "Unsqueeze", "Expand"):
        name = maker.input[0]
    value = graph.constant(name)
    return value is not None and not value.any()


def take_last_state(graph: Graph, lstm: Any) -> None:
    """Take the state after the last step from the LSTM itself, where it is cut out of all steps' and of no use else."""
    squeeze = graph.only_taker(lstm.output[ALL_STATES], "Squeeze")
    cut = squeeze and graph.only_taker(squeeze.output[0], "Slice")
    flat = cut and graph.only_taker(cut.output[0], "Squeeze")
    if not flat or attribute(lstm, "direction", b"forward") != b"forward":
        return
    numbers = [graph.numbers(name) for name in (squeeze.input[1], cut.input[1], cut.input[3], flat.input[1])]
    if numbers == [[DIRECTIONS], [-1], [STEPS], [STEPS]]:
        lstm.output[LAST_STATE] = lstm.output[LAST_STATE] or f"{lstm.output[ALL_STATES]}/last"
        lstm.output[ALL_STATES] = ""
        flat.input[0] = lstm.output[LAST_STATE]  # whose only direction is axis 0


def fold_normalisation(graph: Graph, lstm: Any) -> None:
    """Let an LSTM's weights do what its features are multiplied with, and what is added to them, before.

    W (s x + t) + b = (W s) x + (b + W t), in each direction and gate.
    """
    weights, bias = (graph.constant(name) for name in (*lstm.input, *[""] * BIAS)[WEIGHTS : BIAS + 1 : 2])
    if weights is None or bias is None:
        return
    scale, shift = np.ones(weights.shape[-1]), np.zeros(weights.shape[-1])
    folded = False
    while found := _of_each_feature(graph, lstm, len(scale)):
        node, source, values = found
        scale, shift = (scale * values, shift) if node.op_type == "Mul" else (scale, shift + scale * values)
        graph.bypass(node, source)
        folded = True
    if folded:
        bias[:, : weights.shape[1]] += weights @ shift
        for place, value in ((WEIGHTS, weights * scale), (BIAS, bias)):
            lstm.input[place] = graph.add_constant(f"{lstm.name}/{lstm.input[place]}", value)


def _of_each_feature(graph: Graph, lstm: Any, count: int) -> tuple[Any, str, Values] | None:
    """Return the node before an LSTM that multiplies or adds a constant of each feature, what it takes, and those.

    None where there is none, where what it gives is of use elsewhere too, or where more lies between than an order of
    axes.
    """
    axis, name = FEATURES, lstm.input[0]
    while (transpose := graph.maker(name, "Transpose")) and graph.only_taker(name, "LSTM", "Transpose"):
        axis, name = attribute(transpose, "perm", (2, 1, 0))[axis], transpose.input[0]
    node = graph.maker(name, "Mul", "Add")
    found = node and graph.only_taker(name, "LSTM", "Transpose") and operand(graph, node)
    if not found:
        return None
    source, values = found
    wanted = [count if one == axis else 1 for one in range(3)]
    shapes_fit = [1] * (3 - values.ndim) + list(values.shape) == wanted and graph.shape(source)[axis:][:1] == (count,)
    return (node, source, values.reshape(-1)) if shapes_fit else None
