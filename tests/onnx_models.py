"""Small ONNX models, and what they answer before and after they are made cheaper."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

from training.onnx_simplified import simplified

CHANNELS, STEPS = 3, 8


def random(*shape: int) -> Any:
    return np.random.default_rng(1).standard_normal(shape).astype(np.float32)


def node(kind: str, inputs: str, output: str, **attributes: Any) -> Any:
    return helper.make_node(kind, inputs.split(), [output], **attributes)


def model_of(nodes: list[Any], outputs: str = "y", **constants: Any) -> Any:
    """A graph of what takes x (n, 3, 8)."""
    info = helper.make_tensor_value_info
    described = [info(name, TensorProto.FLOAT, None) for name in outputs.split()]
    values = [numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()]
    graph = helper.make_graph(nodes, "some", [info("x", TensorProto.FLOAT, ["n", CHANNELS, STEPS])], described, values)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def answers(model: Any) -> list[Any]:
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return list(session.run(None, {"x": random(2, CHANNELS, STEPS)}))


def kinds_of(model: Any) -> Counter[str]:
    """The kinds of its nodes once it is simplified, where it then says the same."""
    before = answers(model)
    simplified(model)
    for one, other in zip(before, answers(model), strict=True):
        assert one.shape == other.shape
        assert np.allclose(one, other, rtol=1e-5, atol=2e-6)
    return Counter(node.op_type for node in model.graph.node)
