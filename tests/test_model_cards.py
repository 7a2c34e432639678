"""What is told of the shipped models is what their manifests hold: their cards, and README's table of accuracy."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from har_stream.manifest import MODELS, load_manifest
from tests.test_classifier import EACH_SHIPPED
from training.card import model_card
from training.export import CARD

README = Path(__file__).parents[1] / "README.md"
HEADING = "| on people that they were not trained on | "
SPREAD = re.compile(r"folds: standard deviation ")


@pytest.mark.parametrize("name", EACH_SHIPPED)
def test_a_shipped_models_card_is_what_its_manifest_makes(name: str) -> None:
    assert (MODELS / name / CARD).read_text() == model_card(load_manifest(MODELS / name))


def percent(share: float) -> str:
    return f"{100 * share:.1f} %"


def calibrated(metrics: dict[str, Any], *, named: bool) -> str:
    if "windows_calibrated" not in metrics:
        return ""
    found = metrics["windows_calibrated"]
    volunteer = "worst volunteer " if named else ""
    return f"{percent(found['accuracy'])}, {volunteer}{percent(found['worst_subject'])}"


def delay(metrics: dict[str, Any], *, named: bool) -> str:
    told = metrics["stream"]["delay_s"]
    return ("median {:.1f}, 95 % within {:.1f}" if named else "{:.1f}, {:.1f}").format(told["p50"], told["p95"])


FIGURES: tuple[Callable[..., str], ...] = (
    lambda m, **_: f"{percent(m['windows']['accuracy'])} ({100 * m['windows']['fold_std']:.1f})",
    lambda m, **_: percent(m["windows"]["worst_subject"]),
    calibrated,
    lambda m, **_: percent(m["stream"]["accuracy_raw"]),
    lambda m, **_: percent(m["stream"]["accuracy"]),
    lambda m, **_: percent(m["stream"]["accuracy_in_force"]),
    lambda m, **_: f"{m['stream']['false_changes_per_hour']:.0f}",
    delay,
    lambda m, **_: f"{100 * m['stream']['transitions_unknown']:.0f} %",
)
"""A row of the table each."""


def test_readme_tells_the_manifests_figures() -> None:
    _, _, rest = README.read_text().partition(HEADING)
    names, _, *rows = rest.partition("\n\n")[0].splitlines()
    models = [name.strip() for name in names.strip("| ").split("|")]
    assert sorted(models) == EACH_SHIPPED
    told = [[cell.strip() for cell in SPREAD.sub("", row).split("|")[2:-1]] for row in rows]
    metrics = [load_manifest(MODELS / name).metrics for name in models]
    assert told == [[figure(one, named=one is metrics[0]) for one in metrics] for figure in FIGURES]
