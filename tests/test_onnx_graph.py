"""Graphs made cheaper say the same."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

from har_stream.manifest import MODELS
from training.onnx_graph import simplified

CHANNELS, FILTERS, UNITS = 3, 6, 5
SCALE, SHIFT = (1, FILTERS, 1), (1, FILTERS, 1)
CONV = helper.make_node("Conv", ["tall", "w"], ["conv"], kernel_shape=[1, 3])
BIASED_CONV = helper.make_node("Conv", ["tall", "w", "b"], ["conv"], kernel_shape=[1, 3])
LSTM_INPUTS = ["steps", "W", "R", "B", "", "h", "c"]
WHOLE = int(np.iinfo(np.int64).max)


def random(*shape: int) -> Any:
    return np.random.default_rng(1).standard_normal(shape).astype(np.float32)


def node(kind: str, inputs: str, output: str) -> Any:
    return helper.make_node(kind, inputs.split(), [output])


def model_of(nodes: list[Any], outputs: str = "y", **constants: Any) -> Any:
    """A graph of what takes x (n, 3, 8)."""
    info = helper.make_tensor_value_info
    described = [info(name, TensorProto.FLOAT, None) for name in outputs.split()]
    values = [numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()]
    graph = helper.make_graph(nodes, "some", [info("x", TensorProto.FLOAT, ["n", CHANNELS, 8])], described, values)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def answers(model: Any) -> list[Any]:
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return list(session.run(None, {"x": random(2, CHANNELS, 8)}))


def kinds_of(model: Any) -> Counter[str]:
    """The kinds of its nodes once it is simplified, where it then says the same."""
    before = answers(model)
    simplified(model)
    for one, other in zip(before, answers(model), strict=True):
        assert one.shape == other.shape
        assert np.allclose(one, other, atol=1e-6)
    return Counter(node.op_type for node in model.graph.node)


def normalised_conv(*, conv: Any = CONV, scale: Any = None, outputs: str = "y", besides: str = "y") -> Any:
    """A convolution, scaled, shifted and rectified as Keras's exporter writes it, and another one behind it."""
    nodes = [
        node("Unsqueeze", "x two", "tall"),
        conv,
        node("Squeeze", "conv two", "flat"),
        node("Mul", "flat scale", "scaled"),
        node("Add", "shift scaled", "shifted"),
        node("Relu", "shifted", "positive"),
        node("Unsqueeze", "positive two", "again"),
        helper.make_node("Conv", ["again", "w2"], ["y"], kernel_shape=[1, 1]),
        node("Neg", besides, "beside"),
    ]
    constants = {"w": random(FILTERS, CHANNELS, 1, 3), "b": random(FILTERS), "w2": random(2, FILTERS, 1, 1)}
    scale = random(*SCALE) if scale is None else scale
    return model_of(nodes, outputs, two=[2], scale=scale, shift=random(*SHIFT) + 1, **constants)


@pytest.mark.parametrize("conv", [CONV, BIASED_CONV], ids=["plain", "biased"])
def test_a_convolution_scales_and_shifts_by_its_weights(conv: Any) -> None:
    model = normalised_conv(conv=conv)
    assert kinds_of(model) == {"Unsqueeze": 1, "Conv": 2, "Relu": 1}
    assert {one.name for one in model.graph.initializer} == {"two", "conv/weights", "conv/bias", "w2"}


@pytest.mark.parametrize("outputs", ["y conv", "y flat", "y scaled", "y shifted", "y positive", "y again"])
def test_what_is_told_on_the_way_stays_what_it_was(outputs: str) -> None:
    kinds_of(normalised_conv(outputs=outputs))


@pytest.mark.parametrize("besides", ["conv", "flat", "scaled", "shifted", "positive", "again"])
def test_what_another_node_takes_stays_what_it_was(besides: str) -> None:
    kinds_of(normalised_conv(outputs="y beside", besides=besides))


@pytest.mark.parametrize("shape", [(1, 1, 6), (1, 1, 1), (2, FILTERS, 1)], ids=["steps", "all", "batch"])
def test_what_is_not_of_each_channel_is_not_folded(shape: tuple[int, ...]) -> None:
    assert kinds_of(normalised_conv(scale=random(*shape)))["Mul"] == 1


@pytest.mark.parametrize(("axis", "squeezes"), [(1, 0), (0, 1)])
def test_a_squeeze_goes_where_it_is_undone(axis: int, squeezes: int) -> None:
    around = [node("Abs", "x", "size"), node("Unsqueeze", "size one", "tall"), node("Squeeze", "tall one", "flat")]
    model = model_of([*around, node("Unsqueeze", "flat axis", "wide"), node("Neg", "wide", "y")], one=[1], axis=[axis])
    assert kinds_of(model)["Squeeze"] == squeezes


def last_state(*, start: float = 0.0, begins: int = -1, outputs: str = "y", direction: str = "forward") -> Any:
    """An LSTM whose last state counts, as Keras's exporter writes it."""
    nodes = [
        helper.make_node("Transpose", ["x"], ["steps"], perm=[2, 0, 1]),
        node("Expand", "start size", "h"),
        node("Expand", "zero size", "c"),
        helper.make_node("LSTM", LSTM_INPUTS, ["all", "", ""], hidden_size=UNITS, direction=direction),
        node("Squeeze", "all one", "each"),
        node("Slice", "each begins whole none", "cut"),
        node("Squeeze", "cut none", "y"),
    ]
    weights = {"W": random(1, 4 * UNITS, CHANNELS), "R": random(1, 4 * UNITS, UNITS), "B": random(1, 8 * UNITS)}
    places: dict[str, Any] = {"begins": [begins], "whole": [begins + 1 or WHOLE], "none": [0], "one": [1]}
    states = {"start": np.float32(start), "zero": np.float32(0), "size": [1, 2, UNITS]}
    return model_of(nodes, outputs, **places, **weights, **states)


def test_an_lstm_starts_from_zeros_and_gives_its_last_state() -> None:
    assert kinds_of(last_state()) == {"Transpose": 1, "LSTM": 1, "Squeeze": 1}


def test_an_lstm_that_starts_elsewhere_still_does() -> None:
    assert kinds_of(last_state(start=1.0))["Expand"] == 1


@pytest.mark.parametrize(
    "make",
    [
        lambda: last_state(begins=-2),
        lambda: last_state(begins=0),
        lambda: last_state(direction="reverse"),
        lambda: last_state(outputs="y each"),
        lambda: last_state(outputs="y all"),
        lambda: last_state(outputs="y cut"),
    ],
    ids=["before the last", "first", "reverse", "each", "all", "cut"],
)
def test_states_that_are_not_the_last_alone_are_cut_out(make: Callable[[], Any]) -> None:
    assert kinds_of(make())["Slice"] == 1


@pytest.mark.parametrize("path", sorted(MODELS.glob("*/model.onnx")), ids=lambda path: path.parent.name)
def test_the_shipped_graphs_are_as_cheap_as_they_get(path: Path) -> None:
    model = onnx.load(path)
    before = model.SerializeToString()
    assert simplified(model).SerializeToString() == before
    assert not {"Asinh", "Sign"} & {node.op_type for node in model.graph.node}  # computed number by number


def branch(kind: str) -> Any:
    """A graph within a node, which takes `seen` from around it."""
    told = [helper.make_tensor_value_info(kind, TensorProto.FLOAT, None)]
    return helper.make_graph([node(kind, "seen", kind)], kind, [], told)


@pytest.mark.parametrize("first", [CONV, BIASED_CONV])
def test_what_only_the_body_of_a_loop_or_branch_takes_is_left_as_it_is(first: Any) -> None:
    choice = helper.make_node("If", ["yes"], ["y"], then_branch=branch("Neg"), else_branch=branch("Abs"))
    nodes = [
        node("Unsqueeze", "x axis", "tall"),
        first,
        node("Squeeze", "conv axis", "flat"),
        node("Mul", "flat scale", "scaled"),
        node("Add", "scaled shift", "seen"),
        choice,
    ]
    bias = {"b": random(FILTERS)} if first is BIASED_CONV else {}
    constants = {"axis": np.array([2]), "w": random(FILTERS, CHANNELS, 1, 3), "yes": np.array([True])}
    kinds = kinds_of(model_of(nodes, scale=random(*SCALE), shift=random(*SHIFT), **constants, **bias))
    assert kinds == {"Unsqueeze": 1, "Conv": 1, "Squeeze": 1, "Add": 1, "If": 1}
