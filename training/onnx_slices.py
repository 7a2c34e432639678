"""What an exported graph cuts, said so that its shapes stay known."""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from training.onnx_graph import Graph

END: Final = np.iinfo(np.int32).max
"""A cut that ends there or further on ends nowhere."""


def cut_only_what_is_cut(graph: Graph, cut: Any) -> None:
    """Leave out the axes that a slice cuts nothing from: what it gives then has as many windows as what it takes.

    ONNX Runtime adds two convolutions in place only where it knows that they have equal shapes.
    """
    begins, ends, axes, *steps = (graph.numbers(name) for name in (*cut.input[1:], "")[: max(len(cut.input) - 1, 3)])
    if begins is None or ends is None or axes is None or steps not in ([], [[1] * len(axes)]):
        return
    kept = [each for each in zip(begins, ends, axes, strict=True) if each[0] != 0 or each[1] < END]
    if kept and len(kept) < len(axes):
        for place, what in enumerate(("begins", "ends", "axes")):
            numbers = [each[place] for each in kept]
            cut.input[1 + place] = graph.add_constant(f"{cut.output[0]}/{what}", numbers, np.int64)
        del cut.input[4:]
