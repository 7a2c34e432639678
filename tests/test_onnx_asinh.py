"""The inverse hyperbolic sine stays what it was."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

from tests.onnx_models import CHANNELS, kinds_of, model_of, node, random
from training.onnx_simplified import simplified


def test_asinh_is_taken_apart_and_stays_what_it_was() -> None:
    size = np.concatenate([[0.0], np.logspace(-12, 6, 500)])
    values = np.concatenate([-size, size]).astype(np.float32)
    nodes = [helper.make_node("Asinh", ["x"], ["y"]), helper.make_node("Asinh", ["y"], ["z"])]
    tensors = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [None]) for name in "xz"]
    graph = helper.make_graph(nodes, "twice", tensors[:1], tensors[1:])
    opsets = [helper.make_opsetid("", 17)]
    model = simplified(helper.make_model(graph, opset_imports=opsets, ir_version=8))
    onnx.checker.check_model(model)
    assert "Asinh" not in {node.op_type for node in model.graph.node}
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    (got,) = session.run(None, {"x": values})
    assert np.allclose(got, np.arcsinh(np.arcsinh(values.astype(np.float64))), rtol=2e-6, atol=5e-7)


def test_asinh_of_a_number_times_a_gain_stays_what_it_was() -> None:
    size = np.concatenate([[0.0], np.logspace(-12, 6, 500)])
    values = np.concatenate([-size, size]).astype(np.float32)
    for gain in (1e-20, 1e-9, 0.5, 50.0, 1e9, 1e16, 1e20):
        nodes = [helper.make_node("Mul", ["gain", "x"], ["large"]), helper.make_node("Asinh", ["large"], ["y"])]
        tensors = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [None]) for name in "xy"]
        constant = numpy_helper.from_array(np.array(gain, np.float32), "gain")
        graph = helper.make_graph(nodes, "amplified", tensors[:1], tensors[1:], [constant])
        model = simplified(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8))
        session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
        x = (values / np.float64(gain)).astype(np.float32)
        (got,) = session.run(None, {"x": x})
        assert np.allclose(got, np.arcsinh(x * np.float64(np.float32(gain))), rtol=2e-6, atol=5e-7), gain


def at_gains(*gains: float, outputs: str = "y", source: str = "x") -> Any:
    """asinh of the same at several gains, each scaled, joined and read by a convolution."""
    nodes = [node("Reshape", "x flat", "rows")]
    for number, _ in enumerate(gains):
        nodes.append(node("Mul", f"{source} gain_{number}", f"large_{number}"))
        nodes.append(node("Asinh", f"large_{number}", f"asinh_{number}"))
        nodes.append(node("Mul", f"asinh_{number} third", f"spread_{number}"))
    spread = [f"spread_{number}" for number, _ in enumerate(gains)]
    nodes.append(node("Concat", " ".join([source, *spread]), "joined", axis=1))
    nodes.append(node("Unsqueeze", "joined two", "tall"))
    nodes.append(node("Conv", "tall w", "y", kernel_shape=[1, 3]) if source == "x" else node("Neg", "tall", "y"))
    constants = {f"gain_{number}": np.float32(gain) for number, gain in enumerate(gains)}
    weights = {"w": random(4, CHANNELS * (1 + len(gains)), 1, 3), "third": np.float32(1 / 3)}
    return model_of(nodes, outputs, two=[2], flat=[0, -1], **constants, **weights)


@pytest.mark.parametrize(
    ("model", "logarithms", "gathers"),
    [
        (lambda: at_gains(50.0, 200.0), 1, 0),
        (lambda: at_gains(7.0, 3.0, 7.0), 1, 0),
        (lambda: at_gains(50.0, 200.0, outputs="y asinh_1"), 1, 1),
        (lambda: at_gains(50.0), 1, 0),
        (lambda: at_gains(50.0, 1.0), 1, 0),
        (lambda: at_gains(50.0, -200.0, -1.0), 3, 0),
        (lambda: at_gains(50.0, 0.0), 2, 0),
        (lambda: at_gains(50.0, 200.0, source="rows"), 2, 0),
    ],
    ids=["two", "three", "one is told", "one", "one that changes nothing", "negative", "zero", "no channels"],
)
def test_asinh_at_several_gains_is_computed_at_once(model: Callable[[], Any], logarithms: int, gathers: int) -> None:
    kinds = kinds_of(model())
    assert (kinds["Log"], kinds["Gather"], kinds["Asinh"]) == (logarithms, gathers, 0)
