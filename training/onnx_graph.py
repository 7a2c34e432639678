"""The nodes and constants of an ONNX graph, to look them up by name, add and drop them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]


class Graph:
    """The nodes and constants of a model's graph, by the names of what they give."""

    def __init__(self, model: Any) -> None:
        self._model, self._graph = model, model.graph
        self._captured = set(_captured(model.graph))

    def nodes(self, *kinds: str) -> list[Any]:
        """Return the nodes of these kinds, in their order."""
        return [node for node in self._graph.node if node.op_type in kinds]

    def shape(self, name: str) -> tuple[int, ...]:
        """Return the shape of what has this name: 0 where a dimension is not known, () where none is."""
        from onnx import shape_inference  # noqa: PLC0415 - only who exports needs it

        told = shape_inference.infer_shapes(self._model).graph
        infos = (*told.input, *told.value_info, *told.output)
        return next((_dimensions(one) for one in infos if one.name == name), ())

    def constant(self, name: str) -> NDArray[Any] | None:
        """Return a constant's value, a copy; None where the name is another's."""
        from onnx import numpy_helper  # noqa: PLC0415 - as above

        return next((numpy_helper.to_array(one).copy() for one in self._graph.initializer if one.name == name), None)

    def numbers(self, name: str) -> list[int] | None:
        """Return a constant's numbers, a list also where it is one number; None where the name is another's."""
        value = self.constant(name)
        return None if value is None else value.reshape(-1).tolist()

    def add_constant(self, name: str, value: Any, kind: Any = np.float32) -> str:
        """Add a constant under a name, and return that; the name stands for the value, so the first of them stays."""
        from onnx import numpy_helper  # noqa: PLC0415 - as above

        if self.constant(name) is None:
            self._graph.initializer.append(numpy_helper.from_array(np.asarray(value, kind), name))
        return name

    def maker(self, name: str, *kinds: str) -> Any:
        """Return the node that gives what has this name, if it is of one of these kinds (or of any); else None."""
        made = next((node for node in self._graph.node if name in node.output), None)
        return made if made is not None and (not kinds or made.op_type in kinds) else None

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

    def insert(self, place: Any, nodes: Iterable[Any]) -> None:
        """Put nodes before another one."""
        before = list(self._graph.node)
        at = before.index(place)
        del self._graph.node[:]
        self._graph.node.extend([*before[:at], *nodes, *before[at:]])

    def replace(self, node: Any, nodes: Iterable[Any]) -> None:
        """Put nodes in the place of another one, which goes."""
        self.insert(node, nodes)
        self._graph.node.remove(node)

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


def attribute(node: Any, name: str, otherwise: Any) -> Any:
    """Return an attribute of a node, or what holds where it has none of that name."""
    from onnx import helper  # noqa: PLC0415 - as above

    return next((helper.get_attribute_value(one) for one in node.attribute if one.name == name), otherwise)


def operand(graph: Graph, node: Any) -> tuple[str, Values] | None:
    """Return what a Mul or Add takes beside a constant, and that constant; None where it takes none."""
    one, other = node.input
    for name, source in ((one, other), (other, one)):
        if (value := graph.constant(name)) is not None:
            return source, value.astype(np.float64)
    return None


def _captured(graph: Any) -> Iterator[str]:
    """Yield the names that the graphs within a graph's nodes, the bodies of its loops, take from anywhere."""
    for node in graph.node:
        for body in (one.g for one in node.attribute if one.HasField("g")):
            yield from (output.name for output in body.output)
            yield from (name for inner in body.node for name in inner.input)
            yield from _captured(body)


def _dimensions(info: Any) -> tuple[int, ...]:
    return tuple(one.dim_value for one in info.type.tensor_type.shape.dim)
