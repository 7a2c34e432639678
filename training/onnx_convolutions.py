"""Convolutions of an exported graph made cheaper for ONNX Runtime.

What a convolution gives is scaled and shifted by its batch normalisation: its weights can do that, where no ReLU lies
between. Of what a first convolution reads, joined rows and their scales, nothing needs to be made: it is the sum of
one of each part, with weights that are scaled.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from training.onnx_graph import Graph, Values, attribute, operand

CHANNELS: Final = 1
"""The axis of the channels in what a convolution takes and gives, (n, channels, 1, steps) or without the 1."""
HEIGHT: Final = 2
"""The axis that is there only because a convolution of one dimension is written as one of two."""
BLOCK: Final = 16
"""ONNX Runtime has its fastest kernels for channels in blocks of so many, and for what comes in with fewer than these.

Source: onnxruntime/core/optimizer/nchwc_transformer.cc and mlas/lib/snchwc.cpp of ONNX Runtime 1.32.
"""


def fold_scales(graph: Graph, conv: Any) -> None:
    """Let a convolution's weights do what its channels are multiplied with, and what is added to them, afterwards.

    The ReLU that then follows comes next to it, where ONNX Runtime computes the two as one.
    """
    squeeze, weights = graph.only_taker(conv.output[0], "Squeeze"), _weights(graph, conv)
    if squeeze is None or weights is None:
        return
    kernel, bias = weights
    if found := _normalisation(graph, squeeze.output[0], len(kernel)):
        scale, shift = found
        _set_weights(graph, conv, kernel * scale.reshape(-1, *[1] * (kernel.ndim - 1)), bias * scale + shift)
    if relu := graph.only_taker(squeeze.output[0], "Relu"):
        squeeze.op_type, relu.op_type = "Relu", "Squeeze"
        relu.input.append(squeeze.input.pop())


def _weights(graph: Graph, conv: Any) -> tuple[Values, Values] | None:
    """Return a convolution's weights (filters, ...) and bias (filters,); None where they are not constant."""
    constants = [value.astype(np.float64) for name in conv.input[1:] if (value := graph.constant(name)) is not None]
    if len(constants) < len(conv.input) - 1:
        return None
    weights, *bias = constants
    return weights, bias[0] if bias else np.zeros(len(weights))


def _set_weights(graph: Graph, conv: Any, weights: Values, bias: Values) -> None:
    names = (f"{conv.output[0]}/weights", f"{conv.output[0]}/bias")
    added = [graph.add_constant(*one) for one in zip(names, (weights, bias), strict=True)]
    conv.input[:] = [conv.input[0], *added]


def _normalisation(graph: Graph, name: str, channels: int) -> tuple[Values, Values] | None:
    """Take away the nodes that multiply and add constants of each channel, and return what they do: scale and shift."""
    scale, shift, found = np.ones(channels), np.zeros(channels), False
    while (node := graph.only_taker(name, "Mul", "Add")) and not graph.is_told(node.output[0]):
        _, values = operand(graph, node) or (name, np.empty(0))
        if values.shape != (1, channels, 1):
            break
        each = values.reshape(-1)
        scale, shift = (scale * each, shift * each) if node.op_type == "Mul" else (scale, shift + each)
        graph.bypass(node, name)
        found = True
    return (scale, shift) if found else None


def normalise_between(graph: Graph, squeeze: Any) -> None:
    """Drop a squeeze that is undone, at once or after a normalisation, which then is one node.

    What is between two convolutions so stays in the order in which ONNX Runtime's own kernels give and take it. The
    second one's weights cannot do what the normalisation does: what is added would be missing where that one pads.
    """
    axes, whole, name = graph.numbers(squeeze.input[1]), squeeze.input[0], squeeze.output[0]
    found = _normalisation(graph, name, _channels(graph, name)) if axes == [HEIGHT] else None
    if found:
        name = _normalise(graph, name, *found)
    undoing = graph.only_taker(name, "Unsqueeze")
    if undoing and axes and axes == graph.numbers(undoing.input[1]) and not graph.is_told(undoing.output[0]):
        if found:
            graph.maker(name).input[0] = whole
        graph.bypass(undoing, name if found else whole)


def _channels(graph: Graph, name: str) -> int:
    return (*graph.shape(name), 0, 0)[CHANNELS]


def _normalise(graph: Graph, name: str, scale: Values, shift: Values) -> str:
    """Scale and shift the channels of what has this name for all that take it, and return the result's name."""
    from onnx import helper  # noqa: PLC0415 - only who exports needs it

    result, takers = f"{name}/normalised", graph.takers(name)
    means, variances = np.zeros(len(scale)), np.ones(len(scale))
    values = {"scale": scale, "shift": shift, "mean": means, "variance": variances}
    inputs = [name, *(graph.add_constant(f"{result}/{what}", value) for what, value in values.items())]
    for taker in takers:
        taker.input[:] = [result if one == name else one for one in taker.input]
    graph.insert(takers[0], [helper.make_node("BatchNormalization", inputs, [result], name=result, epsilon=0.0)])
    return result


@dataclass(frozen=True, slots=True)
class Rows:
    """Channels that a convolution reads: `scale` times a tensor (n, channels, steps), or times one of its images."""

    source: str
    channels: int
    scale: float
    image: int | None
    """Its place in a source of shape (n, images, channels, steps)."""


def read_rows_of_images(graph: Graph, conv: Any) -> None:
    """Let a convolution of one dimension read its channels as the rows of images, as high as its kernel.

    It is the sum of one convolution for each tensor that was joined, which ONNX Runtime computes in place. Where the
    channels are no blocks, its kernel for a single channel or a few costs half as much as that for any number.
    """
    unsqueeze, weights = graph.maker(conv.input[0], "Unsqueeze"), _weights(graph, conv)
    if unsqueeze is None or weights is None or not _is_of_one_dimension(conv, weights[0].shape):
        return
    kernel, bias = weights
    if graph.numbers(unsqueeze.input[1]) != [HEIGHT] or kernel.shape[CHANNELS] % BLOCK == 0:
        return
    rows = _joined(graph, unsqueeze.input[0])
    if sum(one.channels for one in rows) == kernel.shape[CHANNELS]:
        graph.replace(conv, _sum_of_convolutions(graph, conv, _kernels(graph, rows, kernel[:, :, 0]), bias))


def _is_of_one_dimension(conv: Any, shape: tuple[int, ...]) -> bool:
    """Return whether a convolution with weights of this shape is one of two dimensions that adds no rows of its own."""
    pads_as_told = attribute(conv, "auto_pad", b"NOTSET") == b"NOTSET"
    return len(shape) == len("nchw") and pads_as_told and not any(attribute(conv, "pads", [0])[::2])


def _joined(graph: Graph, name: str) -> list[Rows]:
    """Return the rows that are joined to what has this name, or the one that it is; none where they are not known."""
    concat = graph.maker(name, "Concat")
    joins = concat is not None and attribute(concat, "axis", 0) == CHANNELS
    return [_rows(graph, one) for one in (concat.input if joins else [name])]


def _rows(graph: Graph, name: str) -> Rows:
    """Return what scales and picks rows, and what it picks them from."""
    channels, scale, image = _channels(graph, name), 1.0, None
    while node := graph.maker(name, "Mul", "Gather"):
        if node.op_type == "Mul":
            source, values = operand(graph, node) or ("", np.empty(0))
            if values.size != 1 or values.ndim > len(graph.shape(source)):
                break
            scale *= values.item()
        else:
            source, picked = node.input[0], graph.constant(node.input[1])
            is_image = len(graph.shape(source)) == len("nchw") and attribute(node, "axis", 0) == CHANNELS
            if picked is None or not is_image:
                break
            image = int(picked)
        name = source
    return Rows(name, channels, scale, image)


def _kernels(graph: Graph, rows: list[Rows], kernel: Values) -> dict[str, Values]:
    """Return the kernel (filters, images, channels, steps) for each tensor, of that for all rows joined."""
    kernels: dict[str, Values] = {}
    begins = 0
    for one in rows:
        images = 1 if one.image is None else _channels(graph, one.source)
        shape = (len(kernel), images, one.channels, kernel.shape[-1])
        part = kernel[:, begins : begins + one.channels]
        kernels.setdefault(one.source, np.zeros(shape))[:, one.image or 0] += part * one.scale
        begins += one.channels
    return kernels


def _sum_of_convolutions(graph: Graph, conv: Any, kernels: dict[str, Values], bias: Values) -> list[Any]:
    """Return the nodes that add what one convolution of each tensor gives; the first adds the bias too."""
    from onnx import helper  # noqa: PLC0415 - as above

    nodes: list[Any] = []
    result = ""
    for number, (source, kernel) in enumerate(kernels.items()):
        name, image = f"{conv.output[0]}/{number}", source
        if len(graph.shape(source)) < kernel.ndim:
            image = f"{name}/image"
            axis = graph.add_constant("convolution/image", [CHANNELS], np.int64)
            nodes.append(helper.make_node("Unsqueeze", [source, axis], [image], name=image))
        inputs = [image, graph.add_constant(f"{name}/weights", kernel)]
        if not number:
            inputs.append(graph.add_constant(f"{name}/bias", bias))
        nodes.append(helper.make_node("Conv", inputs, [name], name=name, **_flat(conv), kernel_shape=kernel.shape[2:]))
        if result:
            nodes.append(helper.make_node("Add", [result, name], [f"{name}/sum"], name=f"{name}/sum"))
        result = nodes[-1].output[0]
    nodes[-1].output[0] = conv.output[0]
    return nodes


def _flat(conv: Any) -> dict[str, Any]:
    """Return how a convolution of one dimension goes over its steps, and no way over rows."""
    strides, dilations, pads = (attribute(conv, name, None) for name in ("strides", "dilations", "pads"))
    along = {"strides": strides and [1, strides[1]], "dilations": dilations and [1, dilations[1]], "pads": pads}
    return {name: list(value) for name, value in along.items() if value}
