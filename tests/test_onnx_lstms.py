"""LSTMs made cheaper say the same."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from onnx import helper

from tests.onnx_models import CHANNELS, STEPS, kinds_of, model_of, node, random

UNITS = 5
LSTM_INPUTS = ["steps", "W", "R", "B", "", "h", "c"]
WHOLE = int(np.iinfo(np.int64).max)


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


def normalised_lstm(
    *,
    direction: str = "forward",
    shape: Any = (1, CHANNELS, 1),
    outputs: str = "y",
    twice: bool = False,
    lstm: str = "",
) -> Any:
    """An LSTM whose features are scaled and shifted, each by its own, before the axes change their order."""
    nodes = [
        node("Abs", "x", "size"),
        node("Mul", "size scale", "scaled"),
        node("Add", "shift scaled", "shifted"),
        node("Transpose", "shifted", "middle", perm=[0, 2, 1]),
        node("Transpose", "middle", "steps", perm=[1, 0, 2]),
        node("LSTM", lstm or "steps W R B", "y", hidden_size=UNITS, direction=direction),
        node("Neg", "steps" if twice else "y", "beside"),
    ]
    ways = 2 if direction == "bidirectional" else 1
    weights = {
        "W": random(ways, 4 * UNITS, CHANNELS),
        "R": random(ways, 4 * UNITS, UNITS),
        "B": random(ways, 8 * UNITS),
    }
    return model_of(nodes, outputs, scale=random(*shape), shift=random(*shape) + 1, **weights)


@pytest.mark.parametrize("direction", ["forward", "reverse", "bidirectional"])
def test_an_lstm_scales_and_shifts_its_features_by_its_weights(direction: str) -> None:
    assert kinds_of(normalised_lstm(direction=direction)) == {"Abs": 1, "Transpose": 2, "LSTM": 1}


def test_features_keep_their_constants_whatever_the_order_of_axes() -> None:
    nodes = [
        node("Add", "x shift", "shifted"),
        node("Mul", "shifted scale", "scaled"),
        node("Transpose", "scaled", "steps", perm=[2, 0, 1]),
        node("Shape", "scaled", "shape"),
        node("Slice", "shape none one", "count"),
        node("Concat", "one count units", "size", axis=0),
        node("Expand", "zero size", "start"),
        helper.make_node("LSTM", ["steps", "W", "R", "B", "", "start", "start"], ["y"], hidden_size=UNITS),
    ]
    weights = {"W": random(1, 4 * UNITS, CHANNELS), "R": random(1, 4 * UNITS, UNITS), "B": random(1, 8 * UNITS)}
    each = {"scale": random(1, CHANNELS, 1), "shift": random(1, CHANNELS, 1) + 1, "zero": np.float32(0)}
    model = model_of(nodes, none=[0], one=[1], units=[UNITS], **each, **weights)
    assert kinds_of(model) == {"Transpose": 1, "LSTM": 1}


def test_features_scaled_behind_the_order_of_axes_are_folded_too() -> None:
    nodes = [
        node("Transpose", "x", "steps", perm=[2, 0, 1]),
        node("Mul", "steps scale", "scaled"),
        node("LSTM", "scaled W R B", "y", hidden_size=UNITS),
    ]
    weights = {"W": random(1, 4 * UNITS, CHANNELS), "R": random(1, 4 * UNITS, UNITS), "B": random(1, 8 * UNITS)}
    assert kinds_of(model_of(nodes, scale=random(CHANNELS), **weights)) == {"Transpose": 1, "LSTM": 1}


@pytest.mark.parametrize(
    "model",
    [
        lambda: normalised_lstm(shape=(1, 1, STEPS)),
        lambda: normalised_lstm(shape=(1, 1, 1)),
        lambda: normalised_lstm(shape=(2, CHANNELS, 1)),
        lambda: normalised_lstm(outputs="y steps"),
        lambda: normalised_lstm(outputs="y shifted"),
        lambda: normalised_lstm(outputs="y beside", twice=True),
        lambda: normalised_lstm(lstm="steps W R"),
    ],
    ids=["steps", "all", "batch", "told", "told before", "of use elsewhere", "no bias"],
)
def test_what_is_not_of_each_feature_of_one_lstm_alone_stays(model: Callable[[], Any]) -> None:
    kinds = kinds_of(model())
    assert (kinds["Mul"], kinds["Add"]) == (1, 1)


def test_what_is_shifted_is_of_use_elsewhere_and_what_is_scaled_before_stays() -> None:
    kinds = kinds_of(normalised_lstm(outputs="y scaled"))
    assert (kinds["Mul"], kinds["Add"]) == (1, 0)


def test_one_feature_that_is_made_many_is_not_folded() -> None:
    nodes = [
        node("Slice", "x none one one", "single"),
        node("Mul", "single scale", "scaled"),
        node("Transpose", "scaled", "steps", perm=[2, 0, 1]),
        node("LSTM", "steps W R B", "y", hidden_size=UNITS),
    ]
    weights = {"W": random(1, 4 * UNITS, CHANNELS), "R": random(1, 4 * UNITS, UNITS), "B": random(1, 8 * UNITS)}
    model = model_of(nodes, scale=random(1, CHANNELS, 1), none=[0], one=[1], **weights)
    assert kinds_of(model)["Mul"] == 1
