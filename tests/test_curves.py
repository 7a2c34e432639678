"""Training curves: written and read back, drawn where a model has them."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from har_stream.errors import ConfigError
from training.curves import CURVES, Curve, Curves, curve_of, read_curves, write_curves
from training.fit import Epoch
from training.plots import draw_all

FINAL = curve_of([Epoch(1, 2, 1.5, 0.25, 0.01, None), Epoch(2, 2, math.nan, 0.5, 0.005, None)])
FOLD = curve_of([Epoch(1, 2, 1.4, 0.3, 0.01, 0.2), Epoch(2, 2, 1.1, 0.6, 0.005, 0.4)], [1, 8])


def test_curves_are_read_back_as_they_were_written(tmp_path: Path) -> None:
    write_curves(Curves(FINAL, [FOLD]), tmp_path)
    read = read_curves(tmp_path)
    assert read is not None
    assert read.final == Curve([1.5, None], [0.25, 0.5])  # a loss that is no number is told as none
    assert read.folds == [Curve([1.4, 1.1], [0.3, 0.6], [0.2, 0.4], [1, 8])]


def test_a_model_may_have_none(tmp_path: Path) -> None:
    assert read_curves(tmp_path) is None


@pytest.mark.parametrize("content", [b"{", b"[]", b'{"final": {"loss": ["a"], "accuracy": []}, "folds": []}'])
def test_damaged_ones_are_told(tmp_path: Path, content: bytes) -> None:
    (tmp_path / CURVES).write_bytes(content)
    with pytest.raises(ConfigError, match=r"curves\.json: no training curves"):
        read_curves(tmp_path)


@pytest.mark.parametrize("curves", [None, Curves(FINAL, []), Curves(Curve([1.0, None], [0.1, 0.2]), [FOLD, FOLD])])
def test_they_are_drawn_where_they_are_known(tmp_path: Path, curves: Curves | None) -> None:
    figures = {"windows": {"confusion": np.eye(6, dtype=int).tolist(), "per_subject": {"1": 0.5}}}
    draw_all(figures, np.eye(6, dtype=np.float32), np.arange(1, 7, dtype=np.uint8), {}, tmp_path, curves=curves)
    assert (tmp_path / "curves.png").exists() == (curves is not None)
