"""The inverse hyperbolic sine taken apart in an exported graph: ONNX Runtime computes Asinh number by number."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

ONE: Final = "asinh/one"
MINUS_ONE: Final = "asinh/minus_one"
STEEPNESS: Final = "asinh/steepness"
STEEP: Final = 1e30
"""Times a number, cut off at -1 and 1: its sign, where it is not 0 for all that matters."""


def with_vector_asinh(model: Any) -> Any:
    """Take the inverse hyperbolic sine apart: asinh(x) = sign(x) log(|x| + sqrt(x^2 + 1)).

    ONNX Runtime computes Asinh number by number, as it does Sign; all of these it computes eight at a time.
    """
    from onnx import TensorProto, helper  # noqa: PLC0415 - training alone needs it

    graph = model.graph
    nodes = [part for node in graph.node for part in (_asinh(node) if node.op_type == "Asinh" else [node])]
    if len(nodes) > len(graph.node):
        constants = {ONE: 1.0, MINUS_ONE: -1.0, STEEPNESS: STEEP}
        graph.initializer.extend(helper.make_tensor(name, TensorProto.FLOAT, [], [n]) for name, n in constants.items())
        del graph.node[:]
        graph.node.extend(nodes)
    return model


def _asinh(node: Any) -> Iterator[Any]:
    """Yield the nodes that stand for one."""
    from onnx import helper  # noqa: PLC0415 - as above

    (x,), (result,) = node.input, node.output

    def part(kind: str, *inputs: str, output: str = "") -> Any:
        name = f"{result}/{kind}_{'_'.join(inputs)}"
        return helper.make_node(kind, inputs, [output or name], name=name)

    square = part("Mul", x, x)
    more = part("Add", square.output[0], ONE)
    root = part("Sqrt", more.output[0])
    size = part("Abs", x)
    total = part("Add", size.output[0], root.output[0])
    log = part("Log", total.output[0])
    steep = part("Mul", x, STEEPNESS)
    sign = part("Clip", steep.output[0], MINUS_ONE, ONE)
    yield from (square, more, root, size, total, log, steep, sign)
    yield part("Mul", sign.output[0], log.output[0], output=result)
