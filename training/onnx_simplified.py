"""An exported graph made cheaper for ONNX Runtime, its numbers the same to rounding."""

from __future__ import annotations

from typing import Any

from training.onnx_asinh import take_asinh_apart
from training.onnx_convolutions import fold_scales, normalise_between, read_rows_of_images
from training.onnx_graph import Graph
from training.onnx_lstms import fold_normalisation, start_from_zeros, take_last_state
from training.onnx_slices import cut_only_what_is_cut


def simplified(model: Any) -> Any:
    """Return an ONNX model, changed in place, that computes the same with fewer and cheaper nodes."""
    graph = Graph(model)
    for cut in graph.nodes("Slice"):
        cut_only_what_is_cut(graph, cut)
    for lstm in graph.nodes("LSTM"):
        start_from_zeros(graph, lstm)
        take_last_state(graph, lstm)
    graph.drop_unused()  # what asked for shapes is in the way no more
    for conv in graph.nodes("Conv"):
        fold_scales(graph, conv)
    for lstm in graph.nodes("LSTM"):
        fold_normalisation(graph, lstm)
    for squeeze in graph.nodes("Squeeze"):
        normalise_between(graph, squeeze)
    take_asinh_apart(graph)
    for conv in graph.nodes("Conv"):
        read_rows_of_images(graph, conv)
    graph.drop_unused()
    return model
