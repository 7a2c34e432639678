"""ONNX models that are not whole in themselves are told before anything parses them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import onnx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from har_stream.manifest import installed_models
from har_stream.onnx_file import DATA_LOCATION, EXTERNAL_DATA, INSIDE, OnnxError, check_whole

MESSAGES: dict[str, Any] = {
    "model": onnx.ModelProto,
    "training": onnx.TrainingInfoProto,
    "function": onnx.FunctionProto,
    "graph": onnx.GraphProto,
    "node": onnx.NodeProto,
    "attribute": onnx.AttributeProto,
    "sparse": onnx.SparseTensorProto,
    "tensor": onnx.TensorProto,
}


def outside() -> onnx.TensorProto:
    """A tensor whose values lie in another file."""
    tensor = onnx.numpy_helper.from_array(np.zeros(4, np.float32), "w")
    tensor.ClearField("raw_data")
    tensor.data_location = onnx.TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="../../../etc/passwd")
    return tensor


def model_with(place: Callable[[onnx.ModelProto], onnx.TensorProto], tensor: onnx.TensorProto) -> bytes:
    model = onnx.ModelProto(ir_version=9)
    place(model).CopyFrom(tensor)
    return bytes(model.SerializeToString())


PLACES: dict[str, Callable[[onnx.ModelProto], onnx.TensorProto]] = {
    "initializer": lambda model: model.graph.initializer.add(),
    "sparse values": lambda model: model.graph.sparse_initializer.add().values,
    "sparse indices": lambda model: model.graph.sparse_initializer.add().indices,
    "constant": lambda model: model.graph.node.add().attribute.add().t,
    "constants": lambda model: model.graph.node.add().attribute.add().tensors.add(),
    "branch": lambda model: model.graph.node.add().attribute.add().g.initializer.add(),
    "branches": lambda model: model.graph.node.add().attribute.add().graphs.add().initializer.add(),
    "sparse attribute": lambda model: model.graph.node.add().attribute.add().sparse_tensor.values,
    "sparse attributes": lambda model: model.graph.node.add().attribute.add().sparse_tensors.add().indices,
    "function": lambda model: model.functions.add().node.add().attribute.add().t,
    "function's default": lambda model: model.functions.add().attribute_proto.add().t,
    "training": lambda model: model.training_info.add().algorithm.initializer.add(),
    "training's beginning": lambda model: model.training_info.add().initialization.initializer.add(),
}


@pytest.mark.parametrize("place", sorted(PLACES))
def test_a_tensor_outside_is_found_wherever_it_stands(place: str) -> None:
    inside = onnx.numpy_helper.from_array(np.zeros(4, np.float32), "w")
    check_whole(model_with(PLACES[place], inside))
    with pytest.raises(OnnxError, match="external data"):
        check_whole(model_with(PLACES[place], outside()))


def test_either_sign_of_it_suffices() -> None:
    for field in ("data_location", "external_data"):
        tensor = outside()
        tensor.ClearField(field)
        with pytest.raises(OnnxError, match="external data"):
            check_whole(model_with(PLACES["initializer"], tensor))


def test_every_way_to_a_tensor_is_gone() -> None:
    names = {message.DESCRIPTOR.full_name: name for name, message in MESSAGES.items()}
    for name, message in MESSAGES.items():
        fields = message.DESCRIPTOR.fields
        ways = {
            f.number: names[f.message_type.full_name]
            for f in fields
            if f.message_type and f.message_type.full_name in names
        }
        assert INSIDE[name] == ways
    of_tensor = onnx.TensorProto.DESCRIPTOR.fields_by_name
    assert (of_tensor["external_data"].number, of_tensor["data_location"].number) == (EXTERNAL_DATA, DATA_LOCATION)


def test_the_shipped_models_are_whole() -> None:
    for folder in installed_models().values():
        check_whole((folder / "model.onnx").read_bytes())


def test_graphs_in_graphs_without_end_are_refused() -> None:
    model = onnx.ModelProto()
    graph = model.graph
    for _ in range(40):
        graph = graph.node.add().attribute.add().g
    with pytest.raises(OnnxError, match="too deep"):
        check_whole(model.SerializeToString())


def test_a_tag_that_parsers_would_cut_off_is_refused() -> None:
    # Field 7, the graph, with a bit beyond the 32 that a tag has.
    with pytest.raises(OnnxError, match="not an ONNX model"):
        check_whole(bytes([0xBA, 0x80, 0x80, 0x80, 0x10, 0]))


@given(st.binary(max_size=60))
def test_any_bytes_are_looked_through_or_refused(data: bytes) -> None:
    try:
        check_whole(data)
    except OnnxError:
        return


def test_a_model_cut_short_is_refused_or_is_one() -> None:
    whole = model_with(PLACES["branch"], onnx.numpy_helper.from_array(np.zeros(4, np.float32), "w"))
    refused = 0
    for size in range(len(whole)):
        try:
            check_whole(whole[:size])
        except OnnxError:
            refused += 1
        else:
            onnx.ModelProto.FromString(whole[:size])
    assert refused > len(whole) / 2
