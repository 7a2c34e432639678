"""The inverse hyperbolic sine taken apart in an exported graph: ONNX Runtime computes Asinh number by number."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike

from training.onnx_graph import Graph, operand

TINY: Final = 2.0**-64
"""A number cut off there is its sign times this, where it is not 0 for all that matters; a power of 2 loses nothing."""
GAINS: Final = (1e-12, 1e12)
"""Between these what is less than tiny stays so, and no square overflows or vanishes where it matters."""


def take_asinh_apart(graph: Graph) -> None:
    """Take the inverse hyperbolic sine apart: asinh(g x) = sign(x) log(g (|x| + sqrt(x^2 + 1/g^2))), for a gain g > 0.

    ONNX Runtime computes Asinh number by number, as it does Sign; all of these it computes several at a time. At more
    than one gain it is computed at all of them at once, side by side along a new axis.
    """
    sources: dict[str, list[tuple[float, Any]]] = {}
    for node in graph.nodes("Asinh"):
        source, gain = _amplified(graph, node.input[0])
        sources.setdefault(source, []).append((gain, node))
    for source, members in sources.items():
        gains, nodes = zip(*members, strict=True)
        if len(members) > 1 and len(graph.shape(source)) == len("ncs"):
            _take_apart_at_once(graph, source, gains, nodes)
            continue
        for gain, node in members:
            graph.replace(node, _asinh(graph, source, gain, node.output[0]))


def _amplified(graph: Graph, name: str) -> tuple[str, float]:
    """Return what has this name as another tensor and the gain that it is multiplied with; 1 where there is none."""
    mul = graph.maker(name, "Mul")
    source, gain = (mul and operand(graph, mul)) or (name, np.empty(0))
    least, most = GAINS
    return (source, gain.item()) if gain.ndim == 0 and least < gain < most else (name, 1.0)


def _take_apart_at_once(graph: Graph, source: str, gains: Sequence[float], nodes: Sequence[Any]) -> None:
    """Compute at all gains (n, gains, channels, steps), and let each of the nodes' names stand for its part of it."""
    from onnx import helper  # noqa: PLC0415 - only who exports needs it

    each, every = f"{source}/each", f"{source}/asinh"
    axis = graph.add_constant("asinh/axis", [1], np.int64)
    graph.insert(nodes[0], [helper.make_node("Unsqueeze", [source, axis], [each], name=each)])
    graph.insert(nodes[0], _asinh(graph, each, np.reshape(gains, (-1, 1, 1)), every))
    for place, node in enumerate(nodes):
        picked = graph.add_constant(f"asinh/{place}", place, np.int64)
        (result,) = node.output
        graph.replace(node, [helper.make_node("Gather", [every, picked], [result], name=result, axis=1)])


def _asinh(graph: Graph, x: str, gain: ArrayLike, result: str) -> list[Any]:
    """Return the nodes that compute asinh(gain x)."""
    from onnx import helper  # noqa: PLC0415 - as above

    nodes: list[Any] = []

    def part(kind: str, *inputs: str) -> str:
        name = f"{result}/{len(nodes)}"
        nodes.append(helper.make_node(kind, inputs, [name], name=name))
        return name

    amplify, one_over_square = graph.add_constant(f"{result}/gain", gain), 1 / np.square(gain, dtype=np.float64)
    square = part("Add", part("Mul", x, x), graph.add_constant(f"{result}/one", one_over_square))
    total = part("Add", part("Abs", x), part("Sqrt", square))
    size = part("Log", total if np.all(gain == 1) else part("Mul", total, amplify))
    bounds = [graph.add_constant(f"asinh/{sign}", bound) for sign, bound in (("minus", -TINY), ("plus", TINY))]
    signed = part("Mul", part("Clip", x, *bounds), size)
    part("Mul", signed, graph.add_constant("asinh/huge", 1 / TINY))
    nodes[-1].output[0] = result
    return nodes
