"""What cuts nothing is left out of a slice."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from onnx import numpy_helper, shape_inference

from tests.onnx_models import kinds_of, model_of, node

WHOLE = int(np.iinfo(np.int32).max)


def cut(begins: list[int], ends: list[int], axes: list[int], steps: list[int] | None = None) -> Any:
    """The model that cuts x (n, 3, 8) so."""
    constants: dict[str, Any] = {"begins": begins, "ends": ends, "axes": axes, **({"steps": steps} if steps else {})}
    inputs = "x begins ends axes" + (" steps" if steps else "")
    return model_of([node("Slice", inputs, "y")], **constants)


def axes_of(model: Any) -> list[int]:
    """The axes that are cut once it is simplified."""
    assert kinds_of(model) == {"Slice": 1}
    (slice_,) = model.graph.node
    values = {one.name: numpy_helper.to_array(one).tolist() for one in model.graph.initializer}
    axes: list[int] = values[slice_.input[3]]
    return axes


@pytest.mark.parametrize(
    ("model", "axes"),
    [
        (lambda: cut([0, 0], [WHOLE, 2], [0, 1]), [1]),
        (lambda: cut([0, 1, 0], [WHOLE, WHOLE, WHOLE], [0, 1, 2]), [1]),
        (lambda: cut([0, 0], [2, WHOLE], [2, 1], [1, 1]), [2]),
        (lambda: cut([0, 0], [WHOLE, WHOLE], [0, 1]), [0, 1]),
        (lambda: cut([1, 0], [WHOLE, 2], [0, 1]), [0, 1]),
        (lambda: cut([0, 0], [WHOLE, 8], [1, 2], [1, 2]), [1, 2]),
    ],
)
def test_an_axis_that_nothing_is_cut_from_is_left_out(model: Any, axes: list[int]) -> None:
    assert axes_of(model()) == axes


def test_a_slice_of_the_first_axes_stays_what_it_was() -> None:
    model = model_of([node("Slice", "x begins ends", "y")], begins=[0, 1], ends=[WHOLE, 3])
    assert kinds_of(model) == {"Slice": 1}


def test_what_has_as_many_windows_is_known_to() -> None:
    """Two convolutions of which one reads what was cut are added in place, as their shapes are known to be equal."""
    model = cut([0, 0], [WHOLE, 2], [0, 1])
    kinds_of(model)
    (told,) = shape_inference.infer_shapes(model).graph.output
    assert [one.dim_param or one.dim_value for one in told.type.tensor_type.shape.dim] == ["n", 2, 8]
