"""The graphs that are shipped are the cheapest that we know, and say what their networks say."""

from __future__ import annotations

from pathlib import Path

import onnx
import pytest

from har_stream.manifest import MODELS
from training.onnx_simplified import simplified


@pytest.mark.parametrize("path", sorted(MODELS.glob("*/model.onnx")), ids=lambda path: path.parent.name)
def test_the_shipped_graphs_are_as_cheap_as_they_get(path: Path) -> None:
    model = onnx.load(path)
    onnx.checker.check_model(model, full_check=True)
    assert not {node.domain for node in model.graph.node} - {""}  # other engines know the standard's operators alone
    before = model.SerializeToString()
    assert simplified(model).SerializeToString() == before
    assert not {"Asinh", "Sign"} & {node.op_type for node in model.graph.node}  # computed number by number
