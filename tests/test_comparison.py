"""The table's figures, from fits made up so that they are known."""

from __future__ import annotations

import numpy as np
import pytest

from training.comparison import COLUMNS, cells, cross_validation, markdown, summary
from training.kept_fits import KeptFit
from training.speed import Network

NETWORK = Network("digest", 12345, 41.26, 50.0, "a processor", {})


def fold(person: int, right: int, calibrated_right: int | None, used: int = 2) -> KeptFit:
    """Ten windows of one person, the last `right` of them rightly told; the first `used` calibrate."""
    codes = np.full(10, 3, np.uint8)
    told = [np.where(np.arange(10) >= 10 - count, 2, 4) for count in (right, calibrated_right or 0)]
    probabilities, calibrated = (np.eye(6, dtype=np.float32)[one] for one in told)
    calibrated = calibrated if calibrated_right is not None else calibrated[:0]
    subject = np.full(10, person, np.int16)
    return KeptFit(np.arange(10), codes, subject, np.arange(10) < used, probabilities, calibrated)


def test_a_cross_validation_counts_every_fold_and_leaves_out_what_calibrates() -> None:
    figures = cross_validation([fold(1, 9, 4), fold(2, 5, 8)])
    assert figures["windows"]["accuracy"] == 0.7
    assert figures["windows"]["worst_subject"] == 0.5
    assert figures["windows"]["fold_std"] == pytest.approx(0.2)
    assert [one["accuracy"] for one in figures["windows"]["by_fold"]] == [0.9, 0.5]
    assert figures["windows_calibrated"]["accuracy"] == (4 + 8) / 16
    assert figures["windows_calibrated"]["worst_subject"] == 0.5


def test_seeds_are_averaged_and_spread() -> None:
    by_seed = {
        "1": cross_validation([fold(1, 9, 8), fold(2, 5, 8)]),
        "2": cross_validation([fold(1, 6, 6), fold(2, 7, 8)]),
    }
    summed = summary(by_seed)
    assert summed is not None
    windows = summed["windows"]
    assert windows["accuracy_mean"] == pytest.approx((0.7 + 0.65) / 2)
    assert windows["accuracy_std"] == pytest.approx(np.std([0.7, 0.65], ddof=1), abs=1e-5)
    assert windows["worst_subject_mean"] == pytest.approx((0.5 + 0.6) / 2)
    assert windows["fold_std_mean"] == pytest.approx((0.2 + 0.05) / 2)
    row = cells("some-net", 2, 2, summed, NETWORK)
    assert dict(zip(COLUMNS, row, strict=True)) == {
        "architecture": "some-net",
        "seeds": "2",
        "accuracy, %": "67.50 +- 3.54",
        "over folds": "12.5",
        "macro F1": f"{windows['f1_macro_mean']:.3f}",
        "worst person, %": "55.0",
        "after 10 s of walking, %": "93.75 +- 8.84",
        "parameters": "12,345",
        "us a window": "41.3",
    }


def test_what_is_not_known_is_a_dash() -> None:
    one = summary({"1": cross_validation([fold(1, 9, None), fold(2, 5, None)])})
    row = cells("some-net", 1, 5, one, NETWORK)
    assert row[1:3] == ("1 of 5", "70.00")
    assert row[COLUMNS.index("after 10 s of walking, %")] == "-"
    assert summary({}) is None
    assert cells("some-net", 0, 5, None, NETWORK) == ("some-net", "0 of 5", *"-----", "12,345", "41.3")


def test_markdown_has_a_cell_for_each_column() -> None:
    text = markdown([cells("some-net", 0, 5, None, NETWORK)], "what it means")
    table, legend = text.split("\n\n")
    assert {line.count("|") for line in table.splitlines()} == {len(COLUMNS) + 1}
    assert legend == "what it means\n"
