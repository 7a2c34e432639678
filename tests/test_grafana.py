"""The dashboard asks for metrics and labels that there are, in words that Prometheus understands."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.http_client import Metrics, metrics
from tests.prometheus import DEPLOY, NAME, promtool, watched_stream

DASHBOARD: dict[str, Any] = json.loads((DEPLOY / "grafana.json").read_text("utf-8"))
PANELS: list[dict[str, Any]] = DASHBOARD["panels"]
TARGETS: list[dict[str, str]] = [target for panel in PANELS for target in panel.get("targets", [])]
VARIABLES = {"$__rate_interval": "5m", "$instance": ".*"}
WIDTH = 24
OWN_LABELS = {"instance", "job"}
"""Those that Prometheus itself adds."""


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Metrics]:
    with watched_stream(tmp_path_factory.mktemp("stream")) as port:
        yield metrics(port)


def plain(expression: str) -> str:
    """Return an expression with values in place of Grafana's variables."""
    for name, value in VARIABLES.items():
        expression = expression.replace(name, value)
    return expression


def labels_in(expression: str) -> set[str]:
    """Return the labels that an expression selects or groups by."""
    grouped = re.findall(r"\bby \(([^)]*)\)", expression)
    return {label.strip() for part in grouped for label in part.split(",")} | set(
        re.findall(r"(\w+)\s*(?:=~|!=|!~|=)\s*\"", expression)
    )


def test_it_asks_for_nothing_that_is_not_there(told: Metrics) -> None:
    labels_of: dict[str, set[str]] = {}
    for name, labels in told.values:
        labels_of.setdefault(name, set(OWN_LABELS)).update(label for label, _ in labels)
    assert len(TARGETS) > 20
    for target in TARGETS:
        names = set(NAME.findall(target["expr"]))
        assert names, f"asks for nothing of ours: {target['expr']}"
        assert names <= labels_of.keys(), target["expr"]
        asked = labels_in(target["expr"]) | set(re.findall(r"{{(\w+)}}", target["legendFormat"]))
        for name in names:
            assert asked <= labels_of[name], target["expr"]
    for variable in DASHBOARD["templating"]["list"]:
        assert set(NAME.findall(str(variable.get("query")))) <= labels_of.keys()


def test_it_leaves_out_nothing_of_ours_that_there_is(told: Metrics) -> None:
    asked = {re.sub(r"_(bucket|sum|count)$", "", name) for name in NAME.findall(json.dumps(DASHBOARD))}
    there = {re.sub(r"_(bucket|sum|count)$", "", name) for name, _ in told.values if name.startswith("har_stream")}
    assert there - asked == {"har_stream_windows_total", "har_stream_engine_alive"}, "told by others as well"


def test_its_expressions_are_lawful(tmp_path: Path) -> None:
    rules = [{"record": f"test:{number}", "expr": plain(target["expr"])} for number, target in enumerate(TARGETS)]
    path = tmp_path / "rules.yml"
    path.write_text(json.dumps({"groups": [{"name": "dashboard", "rules": rules}]}), "utf-8")
    code, said = promtool("check", "rules", str(path))
    assert code == 0, said
    assert not [rule for rule in rules if "$" in str(rule["expr"])]


def test_its_legends_name_what_is_left_after_grouping() -> None:
    for target in TARGETS:
        by = re.findall(r"\bby \(([^)]*)\)", target["expr"])
        if by:
            left = {label.strip() for label in by[0].split(",")} - {"le"}
            assert set(re.findall(r"{{(\w+)}}", target["legendFormat"])) == left, target["expr"]


def test_its_panels_have_places_names_and_a_source() -> None:
    assert DASHBOARD["uid"] == DASHBOARD["title"] == "har-stream"
    assert "id" not in DASHBOARD, "an id of another Grafana's would be refused"
    ids = [panel["id"] for panel in PANELS]
    assert len(set(ids)) == len(ids)
    taken: set[tuple[int, int]] = set()
    for panel in PANELS:
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not cells & taken, f"{panel['title']} lies on another panel"
        assert max(x for x, _ in cells) < WIDTH
        taken |= cells
        if panel["type"] != "row":
            assert panel["description"]
            sources = [panel["datasource"], *(target["datasource"] for target in panel["targets"])]
            assert all(source == {"type": "prometheus", "uid": "${datasource}"} for source in sources)
            refs = [target["refId"] for target in panel["targets"]]
            assert len(set(refs)) == len(refs)
