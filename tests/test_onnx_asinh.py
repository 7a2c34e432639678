"""The inverse hyperbolic sine stays what it was."""

from __future__ import annotations

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper

from training.onnx_asinh import with_vector_asinh


def test_asinh_is_taken_apart_and_stays_what_it_was() -> None:
    size = np.concatenate([[0.0], np.logspace(-12, 6, 500)])
    values = np.concatenate([-size, size]).astype(np.float32)
    nodes = [helper.make_node("Asinh", ["x"], ["y"]), helper.make_node("Asinh", ["y"], ["z"])]
    tensors = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [None]) for name in "xz"]
    graph = helper.make_graph(nodes, "twice", tensors[:1], tensors[1:])
    opsets = [helper.make_opsetid("", 17)]
    model = with_vector_asinh(helper.make_model(graph, opset_imports=opsets, ir_version=8))
    onnx.checker.check_model(model)
    assert "Asinh" not in {node.op_type for node in model.graph.node}
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    (got,) = session.run(None, {"x": values})
    assert np.allclose(got, np.arcsinh(np.arcsinh(values.astype(np.float64))), rtol=2e-6, atol=5e-7)
