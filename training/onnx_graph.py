"""An exported graph made cheaper for ONNX Runtime, its numbers the same to rounding.

What a convolution gives is scaled and shifted by its batch normalisation: its weights can do that. An LSTM starts from
zeros that need not be made, and holds its last state, which need not be cut out of all. Small nodes cost little beside
the arithmetic of a batch of 32, and much beside that of one window.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

INITIAL_STATES: Final = (5, 6)
"""The places of an LSTM's initial h and c among its inputs."""
ALL_STATES, LAST_STATE = 0, 1
"""The places of h after each step and after the last among an LSTM's outputs."""
STEPS, DIRECTIONS = 0, 1
"""The axes of an LSTM's steps and directions in the first of them."""


def simplified(model: Any) -> Any:
    """Return an ONNX model, changed in place, that computes the same with fewer and cheaper nodes."""
    graph = Graph(model.graph)
    for node in list(model.graph.node):
        if node.op_type == "Conv":
            _fold_scales(graph, node)
        elif node.op_type == "LSTM":
            _start_from_zeros(graph, node)
            _take_last_state(graph, node)
    for node in [one for one in model.graph.node if one.op_type == "Squeeze"]:
        _cancel(graph, node)
    graph.drop_unused()
    return model


class Graph:
    """The nodes and constants of an ONNX graph, by the names of what they give."""

    def __init__(self, graph: Any) -> None:
        self._graph = graph
        self._captured = set(_captured(graph))

    def constant(self, name: str) -> NDArray[Any] | None:
        """Return a constant's value; None where the name is another's."""
        from onnx import numpy_helper  # noqa: PLC0415 - only who exports needs it

        return next((numpy_helper.to_array(one) for one in self._graph.initializer if one.name == name), None)

    def add_constant(self, name: str, value: NDArray[np.float32]) -> str:
        """Add a constant, and return its name."""
        from onnx import numpy_helper  # noqa: PLC0415 - as above

        self._graph.initializer.append(numpy_helper.from_array(value, name))
        return name

    def maker(self, name: str) -> Any:
        """Return the node that gives what has this name; None where that is a constant or an input."""
        return next((node for node in self._graph.node if name in node.output), None)

    def takers(self, name: str) -> list[Any]:
        """Return the nodes that take what has this name."""
        return [node for node in self._graph.node if name in node.input]

    def only_taker(self, name: str, *kinds: str) -> Any:
        """Return the one node that takes what has this name, if it is of one of these kinds; else None."""
        takers = self.takers(name)
        return takers[0] if len(takers) == 1 and takers[0].op_type in kinds and not self.is_told(name) else None

    def is_told(self, name: str) -> bool:
        """Return whether what has this name is an output of the graph, or is used within the body of a loop."""
        return name in self._captured or any(output.name == name for output in self._graph.output)

    def bypass(self, node: Any, name: str) -> None:
        """Let whoever takes what a node gives take `name` instead, which has its value; the node goes."""
        given = node.output[0]
        for taker in self.takers(given):
            taker.input[:] = [name if one == given else one for one in taker.input]
        self._graph.node.remove(node)

    def drop_unused(self) -> None:
        """Drop the nodes and constants that nothing depends on."""
        needed = {output.name for output in self._graph.output} | self._captured
        kept: list[Any] = []
        for node in reversed(self._graph.node):
            if needed.intersection(node.output):
                kept.append(node)
                needed.update(node.input)
        constants = [one for one in self._graph.initializer if one.name in needed]
        for field, those in (("node", kept[::-1]), ("initializer", constants)):
            del getattr(self._graph, field)[:]
            getattr(self._graph, field).extend(those)


def _captured(graph: Any) -> Iterator[str]:
    """Yield the names that the graphs within a graph's nodes, the bodies of its loops, take from anywhere."""
    for node in graph.node:
        for body in (one.g for one in node.attribute if one.HasField("g")):
            yield from (output.name for output in body.output)
            yield from (name for inner in body.node for name in inner.input)
            yield from _captured(body)


def _fold_scales(graph: Graph, conv: Any) -> None:
    """Let a convolution's weights do what its channels are multiplied with, and what is added to them, afterwards.

    The ReLU that then follows comes next to it, where ONNX Runtime computes the two as one.
    """
    squeeze, weights, bias = graph.only_taker(conv.output[0], "Squeeze"), *_weights(graph, conv)
    if squeeze is None or weights is None or bias is None:
        return
    folded = False
    while found := _each_channel(graph, squeeze.output[0], len(weights)):
        node, values = found
        if node.op_type == "Mul":
            weights, bias = weights * values.reshape(-1, *[1] * (weights.ndim - 1)), bias * values
        else:
            bias = bias + values
        graph.bypass(node, squeeze.output[0])
        folded = True
    if folded:
        names = (f"{conv.output[0]}/weights", f"{conv.output[0]}/bias")
        added = [graph.add_constant(*one) for one in zip(names, (weights, bias), strict=True)]
        conv.input[:] = [conv.input[0], *added]
    if relu := graph.only_taker(squeeze.output[0], "Relu"):
        squeeze.op_type, relu.op_type = "Relu", "Squeeze"
        relu.input.append(squeeze.input.pop())


def _weights(graph: Graph, conv: Any) -> tuple[NDArray[np.float32] | None, NDArray[np.float32] | None]:
    """Return a convolution's weights (channels, ...) and bias (channels,); None where they are not constant."""
    _, weights, *bias = map(graph.constant, conv.input)
    if weights is None or bias:
        return weights, bias[0] if bias else None
    return weights, np.zeros(len(weights), np.float32)


def _each_channel(graph: Graph, name: str, channels: int) -> tuple[Any, NDArray[np.float32]] | None:
    """Return the node that multiplies or adds a constant of each channel, and its values (channels,)."""
    node = graph.only_taker(name, "Mul", "Add")
    if not node or graph.is_told(node.output[0]):
        return None
    values = [value for one in node.input if (value := graph.constant(one)) is not None]
    wanted = [one.reshape(-1) for one in values if one.shape == (1, channels, 1)]
    return (node, wanted[0]) if wanted else None


def _start_from_zeros(graph: Graph, lstm: Any) -> None:
    """Leave an LSTM's initial states out where they are zeros, which it starts from anyway."""
    for place in INITIAL_STATES:
        if place < len(lstm.input) and _is_zeros(graph, lstm.input[place]):
            lstm.input[place] = ""


def _is_zeros(graph: Graph, name: str) -> bool:
    """Return whether what has this name is made of zeros alone, however many."""
    maker = graph.maker(name)
    while maker is not None and maker.op_type in ("Unsqueeze", "Expand"):
        name = maker.input[0]
        maker = graph.maker(name)
    value = graph.constant(name)
    return value is not None and not value.any()


def _take_last_state(graph: Graph, lstm: Any) -> None:
    """Take the state after the last step from the LSTM itself, where it is cut out of all steps' and of no use else."""
    squeeze = graph.only_taker(lstm.output[ALL_STATES], "Squeeze")
    cut = squeeze and graph.only_taker(squeeze.output[0], "Slice")
    flat = cut and graph.only_taker(cut.output[0], "Squeeze")
    if not flat or _direction(lstm) != "forward":
        return
    numbers = [_numbers(graph, name) for name in (squeeze.input[1], cut.input[1], cut.input[3], flat.input[1])]
    if numbers == [[DIRECTIONS], [-1], [STEPS], [STEPS]]:
        lstm.output[LAST_STATE] = lstm.output[LAST_STATE] or f"{lstm.output[ALL_STATES]}/last"
        lstm.output[ALL_STATES] = ""
        flat.input[0] = lstm.output[LAST_STATE]  # whose only direction is axis 0


def _direction(lstm: Any) -> str:
    told = [one.s.decode() for one in lstm.attribute if one.name == "direction"]
    return told[0] if told else "forward"


def _numbers(graph: Graph, name: str) -> list[int] | None:
    value = graph.constant(name)
    return None if value is None else value.tolist()


def _cancel(graph: Graph, squeeze: Any) -> None:
    """Drop a squeeze that is undone at once."""
    undoing = graph.only_taker(squeeze.output[0], "Unsqueeze")
    axes = _numbers(graph, squeeze.input[1])
    if undoing and axes == _numbers(graph, undoing.input[1]) and axes and not graph.is_told(undoing.output[0]):
        graph.bypass(undoing, squeeze.input[0])
