"""What sniff shows on a terminal: one device as a list, several as a table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

MOST_ROWS = 30


def render(facts: Sequence[dict[str, Any]], title: str) -> RenderableType:
    """Return the picture of what is known of all devices."""
    if not facts:
        return Group(Text(title, style="bold"), Text("nothing heard yet", style="dim"))
    return Group(Text(title, style="bold"), _one(facts[0]) if len(facts) == 1 else _many(facts))


def _one(facts: dict[str, Any]) -> Table:
    table = Table.grid(padding=(0, 2))
    for name, text in (
        ("device", Text(facts["device"], style="bold")),
        (
            "format",
            Text(f"{facts['format']}: {facts['found']}" if facts["format"] else facts["found"] or "not told yet"),
        ),
        ("profile", Text(facts["profile"] or "")),
        ("samples", Text(f"{facts['samples']}, {facts['samples_per_s']:g} in the last second")),
        ("rate", _rate(facts)),
        ("lost", _lost(facts)),
        ("refused", _refused(facts)),
        ("last", Text("  ".join(f"{name} {_vector(row)}" for name, row in facts["last"].items()))),
        ("|acc|", _units(facts)),
    ):
        table.add_row(Text(name, style="dim"), text)
    return table


def _many(all_facts: Sequence[dict[str, Any]]) -> RenderableType:
    table = Table("device", "format", "profile", "samples", "rate", "lost", "refused", "|acc|")
    for facts in all_facts[:MOST_ROWS]:
        table.add_row(
            Text(facts["device"]),
            Text(facts["format"] or "?"),
            Text(facts["profile"] or ""),
            Text(str(facts["samples"])),
            _rate(facts),
            _lost(facts),
            _refused(facts),
            _units(facts),
        )
    more = len(all_facts) - MOST_ROWS
    return Group(table, Text(f"and {more} more devices", style="dim")) if more > 0 else table


def _rate(facts: dict[str, Any]) -> Text:
    if facts["hz"] is None:
        return Text("not known yet", style="dim")
    by = "by its own clock" if facts["hz_by"] == "device" else "by arrivals"
    return Text(f"{facts['hz']:g} Hz {by}")


def _lost(facts: dict[str, Any]) -> Text:
    if facts["lost"] is None:
        return Text("not told by the format" if facts["format"] else "", style="dim")
    return Text(str(facts["lost"]), style="red" if facts["lost"] else "green")


def _refused(facts: dict[str, Any]) -> Text:
    reasons = ", ".join(f"{count} {reason}" for reason, count in sorted(facts["refused"].items()))
    return Text(reasons or "none", style="red" if reasons else "green")


def _units(facts: dict[str, Any]) -> Text:
    style = {True: "green", False: "bold red", None: "yellow"}[facts["units_agree"]]
    return Text(facts["units"], style=style)


def _vector(row: Sequence[float]) -> str:
    return " ".join(f"{value:9.3f}" for value in row)
