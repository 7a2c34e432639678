"""Convolutions made cheaper say the same."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from onnx import TensorProto, helper

from tests.onnx_models import CHANNELS, STEPS, kinds_of, model_of, node, random

FILTERS = 6
SCALE, SHIFT = (1, FILTERS, 1), (1, FILTERS, 1)
CONV = node("Conv", "tall w", "conv", kernel_shape=[1, 3])
BIASED_CONV = node("Conv", "tall w b", "conv", kernel_shape=[1, 3])


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
        node("Conv", "again w2", "y", kernel_shape=[1, 1]),
        node("Neg", besides, "beside"),
    ]
    constants = {"w": random(FILTERS, CHANNELS, 1, 3), "b": random(FILTERS), "w2": random(2, FILTERS, 1, 1)}
    scale = random(*SCALE) if scale is None else scale
    return model_of(nodes, outputs, two=[2], scale=scale, shift=random(*SHIFT) + 1, **constants)


@pytest.mark.parametrize("conv", [CONV, BIASED_CONV], ids=["plain", "biased"])
def test_a_convolution_scales_and_shifts_by_its_weights(conv: Any) -> None:
    model = normalised_conv(conv=conv)
    assert kinds_of(model) == {"Unsqueeze": 1, "Conv": 2, "Relu": 1}
    assert {one.name for one in model.graph.initializer} == {"convolution/image", "conv/0/weights", "conv/0/bias", "w2"}


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


def two_convolutions(*, between: str = "Mul Add", axis: int = 2, outputs: str = "y", shape: Any = SCALE) -> Any:
    """A convolution, its ReLU, what normalises, and another convolution that pads."""
    constants = {"scale": random(*shape), "shift": random(*shape) + 1}
    nodes = [
        node("Unsqueeze", "x two", "tall"),
        CONV,
        node("Squeeze", "conv two", "flat"),
        node("Relu", "flat", "positive"),
    ]
    last = "positive"
    for kind, value in (("Mul", "scale"), ("Add", "shift")):
        if kind in between:
            nodes.append(node(kind, f"{last} {value}", kind))
            last = kind
    nodes += [
        node("Unsqueeze", f"{last} axis", "again"),
        node("Reshape", "again whole", "high"),
        node("Conv", "high w2", "y", kernel_shape=[1, 3], pads=[0, 1, 0, 2], strides=[1, 2]),
    ]
    weights = {"w": random(FILTERS, CHANNELS, 1, 3), "w2": random(2, FILTERS, 1, 3)}
    whole = {"whole": [0, FILTERS, 1, -1] if axis == 2 else [-1, FILTERS, 1, STEPS - 2]}
    return model_of(nodes, outputs, two=[2], axis=[axis], **weights, **whole, **constants)


@pytest.mark.parametrize("between", ["Mul Add", "Mul", "Add"])
def test_what_normalises_between_convolutions_is_one_node_that_needs_no_squeeze(between: str) -> None:
    kinds = kinds_of(two_convolutions(between=between))
    assert kinds == {"Unsqueeze": 1, "Conv": 2, "Relu": 1, "BatchNormalization": 1, "Reshape": 1}


def test_what_is_added_before_it_is_multiplied_is_multiplied_too() -> None:
    nodes = [
        node("Unsqueeze", "x two", "tall"),
        CONV,
        node("Squeeze", "conv two", "flat"),
        node("Add", "flat shift", "shifted"),
        node("Mul", "scale shifted", "y"),
        node("Neg", "y", "z"),
    ]
    weights = {"w": random(FILTERS, CHANNELS, 1, 3), "scale": random(*SCALE), "shift": random(*SHIFT) + 1}
    kinds = kinds_of(model_of(nodes, "z", two=[2], **weights))
    assert (kinds["Mul"], kinds["Add"]) == (0, 0)


def test_channels_that_a_squeeze_moves_are_not_normalised_before_it() -> None:
    nodes = [
        node("Unsqueeze", "x one", "wide"),
        node("Squeeze", "wide one", "flat"),
        node("Mul", "flat scale", "scaled"),
        node("Unsqueeze", "scaled one", "y"),
        node("Neg", "y", "z"),
    ]
    assert kinds_of(model_of(nodes, "z", one=[1], scale=random(1, CHANNELS, 1)))["Mul"] == 1


def test_what_normalises_where_the_squeeze_is_not_undone_is_one_node_behind_it() -> None:
    kinds = kinds_of(two_convolutions(axis=3))
    assert (kinds["Squeeze"], kinds["BatchNormalization"], kinds["Mul"], kinds["Add"]) == (1, 1, 0, 0)


@pytest.mark.parametrize("outputs", ["y positive", "y Mul", "y Add", "y again"])
def test_what_is_told_between_convolutions_stays_what_it_was(outputs: str) -> None:
    kinds_of(two_convolutions(outputs=outputs))


@pytest.mark.parametrize("shape", [(1, 1, STEPS - 2), (1, 1, 1)], ids=["steps", "all"])
def test_what_is_not_of_each_channel_stays_between_convolutions(shape: tuple[int, ...]) -> None:
    kinds = kinds_of(two_convolutions(shape=shape))
    assert (kinds["Mul"], kinds["Add"], kinds["BatchNormalization"]) == (1, 1, 0)


JOINED = [
    node("Neg", "x", "negative"),
    node("Mul", "negative half", "halved"),
    node("Unsqueeze", "x one", "each"),
    node("Mul", "each gains", "images"),
    node("Gather", "images first", "image_0", axis=1),
    node("Gather", "images second", "image_1", axis=1),
    node("Mul", "third image_1", "scaled_1"),
    node("Abs", "x", "size"),
]
"""Rows to join: as they are, scaled, and picked from images (n, 2, 3, 8), of which one is scaled."""


def convolution_of(rows: str, *, axis: int = 1, outputs: str = "y", filters: int = 4, **attributes: Any) -> Any:
    """A convolution that reads joined rows."""
    channels = len(rows.split()) * CHANNELS
    attributes = {"kernel_shape": [1, 5], "strides": [1, 2], "pads": [0, 1, 0, 2], **attributes}
    nodes = [
        *JOINED,
        node("Concat", rows, "joined", axis=axis),
        node("Unsqueeze", "joined two", "tall"),
        node("Conv", "tall w b", "conv", **attributes),
        node("Relu", "conv", "y"),
    ]
    shape = (filters, channels // attributes.get("group", 1), 1, attributes["kernel_shape"][1])
    weights = {"w": random(*shape), "b": random(filters), "gains": random(2, 1, 1) + 2}
    scales = {"half": np.float32(0.5), "third": np.float32(1 / 3)}
    return model_of(nodes, outputs, one=[1], two=[2], first=np.int64(0), second=np.int64(1), **weights, **scales)


@pytest.mark.parametrize(
    ("rows", "convolutions", "left"),
    [
        ("x", 1, {}),
        ("x size", 2, {"Abs": 1}),
        ("size halved x", 3, {"Abs": 1, "Neg": 1}),
        ("x x", 1, {}),
        ("x halved negative", 2, {"Neg": 1}),
        ("image_1", 1, {"Mul": 1}),
        ("scaled_1 image_0", 1, {"Mul": 1}),
        ("image_0 x scaled_1 image_1", 2, {"Mul": 1}),
    ],
)
def test_a_convolution_of_joined_rows_is_the_sum_of_one_of_each_tensor(
    rows: str, convolutions: int, left: dict[str, int]
) -> None:
    kinds = kinds_of(convolution_of(rows))
    assert not kinds["Concat"] + kinds["Gather"]
    assert (kinds["Conv"], kinds["Add"]) == (convolutions, convolutions - 1)
    assert {kind: kinds[kind] for kind in ("Abs", "Neg", "Mul") if kinds[kind]} == left


@pytest.mark.parametrize("dilation", [1, 2])
def test_steps_are_gone_over_as_before(dilation: int) -> None:
    attributes: dict[str, Any] = {
        "kernel_shape": [1, 3],
        "strides": [3, 3],
        "dilations": [2, dilation],
        "pads": [0, 2, 0, 0],
    }
    assert kinds_of(convolution_of("x size", **attributes))["Conv"] == 2


@pytest.mark.parametrize(
    "model",
    [
        lambda: convolution_of("x size", group=2),
        lambda: convolution_of("x size", pads=[1, 1, 1, 2]),
        lambda: convolution_of("x size", auto_pad="SAME_UPPER", pads=None),
    ],
    ids=["groups", "rows above", "padding of its own"],
)
def test_what_is_no_plain_convolution_of_one_dimension_reads_what_is_joined(model: Any) -> None:
    assert kinds_of(model())["Concat"] == 1


def test_rows_joined_along_their_steps_are_one_image() -> None:
    model = one_convolution([node("Neg", "x", "less"), node("Concat", "x less", "rows", axis=2)])
    assert kinds_of(model) == {"Neg": 1, "Concat": 1, "Unsqueeze": 1, "Conv": 1}
    assert "y/0/weights" in {one.name for one in model.graph.initializer}


@pytest.mark.parametrize(
    ("before", "channels", "left"),
    [
        ([node("Gather", "x order", "rows", axis=1)], CHANNELS, "Gather"),
        ([node("Unsqueeze", "x none", "one"), node("Gather", "one none_", "rows", axis=0)], CHANNELS, "Gather"),
        ([node("ReduceMax", "x", "top", axes=[0, 1], keepdims=0), node("Mul", "top twice", "rows")], 1, "Mul"),
        ([node("Mul", "x each", "rows")], CHANNELS, "Mul"),
    ],
    ids=["channels", "first axis", "one step of many axes", "each channel"],
)
def test_rows_that_are_no_scaled_images_are_read_as_they_are(before: list[Any], channels: int, left: str) -> None:
    assert kinds_of(one_convolution(before, channels=channels))[left] == 1


@pytest.mark.parametrize(
    "model",
    [
        lambda: one_convolution([node("Shape", "x", "size"), node("Reshape", "x size", "rows")]),
        lambda: one_convolution([node("Neg", "x", "rows")], axis=3, kernel=(1, 1), strides=[2, 1]),
        lambda: one_convolution([node("ReduceMax", "x", "rows", axes=[2], keepdims=0)], kernel=(1,)),
    ],
    ids=["channels not known", "steps above each other", "no height"],
)
def test_what_is_not_known_to_be_rows_is_not_read_as_such(model: Any) -> None:
    one = model()
    kinds_of(one)
    assert "w" in {each.name for each in one.graph.initializer}


def one_convolution(
    before: list[Any], *, channels: int = CHANNELS, axis: int = 2, kernel: tuple[int, ...] = (1, 3), **attributes: Any
) -> Any:
    """A convolution of `rows`, which come of other nodes."""
    around = [node("Unsqueeze", "rows axis", "tall"), node("Conv", "tall w", "y", **attributes)]
    values: dict[str, Any] = {"order": [2, 0, 1], "none": [0], "none_": np.int64(0), "axis": [axis]}
    scales = {"twice": np.full((1, 1, 1), 2, np.float32), "each": random(1, CHANNELS, 1)}
    return model_of([*before, *around], w=random(2, channels, *kernel), **values, **scales)


def test_channels_in_blocks_stay_joined() -> None:
    around = [node("Unsqueeze", "x two", "tall"), node("Conv", "tall w", "y", kernel_shape=[1, 1])]
    model = model_of([node("Neg", "x", "wide"), *around], two=[2], w=random(2, CHANNELS, 1, 1))
    assert kinds_of(model)["Unsqueeze"] == 1
    blocks = [node("Concat", "x " * 16, "wide", axis=1), node("Unsqueeze", "wide two", "tall"), around[1]]
    model = model_of(blocks, two=[2], w=random(2, 16 * CHANNELS, 1, 1))
    assert kinds_of(model)["Concat"] == 1


def test_what_is_joined_and_told_stays_what_it_was() -> None:
    assert kinds_of(convolution_of("x size", outputs="y joined"))["Concat"] == 1


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
