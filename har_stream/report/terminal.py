"""A report on the terminal. The ribbon's height says how far up the body is, so that it can be read without colours."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from rich.console import Console
from rich.padding import Padding
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from har_stream.day_report import Report
from har_stream.report.wording import colour, duration, facts, legend, lines, spoken, ticks, title

BLOCKS: Final = {
    "laying": "▁",
    "sitting": "▃",
    "standing": "▅",
    "walking": "▆",
    "walking_downstairs": "▇",
    "walking_upstairs": "█",
}
OTHER_BLOCK: Final = "?"
NO_DATA: Final = "·"
WIDEST: Final = 120
MARGIN: Final = 2
BAR_WIDTH: Final = 24


def show(report: Report, console: Console) -> None:
    """Print a report."""
    width = min(console.width, WIDEST) - 2 * MARGIN
    console.print()
    _print(console, Text(title(report), style="bold"))
    console.print()
    _print(console, ribbon(report, width))
    _print(console, scale(report, width))
    _print(console, _legend(report))
    console.print()
    if not report.ribbon:
        _print(console, Text("no data", style="yellow"))
    else:
        _print(console, _table(report))
        console.print()
    _print(console, _facts(report))


def ribbon(report: Report, width: int) -> Text:
    """Return the ribbon, `width` columns wide, each what was longest in its time."""
    text = Text(no_wrap=True, overflow="crop")
    for label in columns(report, width):
        text.append(BLOCKS.get(label, OTHER_BLOCK) if label else NO_DATA, style=colour(label) if label else "dim")
    return text


def columns(report: Report, width: int) -> Iterator[str]:
    """Yield the label that has most of each of `width` equal parts of the time, "" where there is no data."""
    step_s = (report.end_s - report.start_s) / width
    first = 0
    for column in range(width):
        begin_s, end_s = report.start_s + column * step_s, report.start_s + (column + 1) * step_s
        while first < len(report.ribbon) and report.ribbon[first].end_s <= begin_s:
            first += 1
        held: dict[str, float] = {}
        for part in report.ribbon[first:]:
            if part.start_s >= end_s:
                break
            held[part.label] = held.get(part.label, 0.0) + min(part.end_s, end_s) - max(part.start_s, begin_s)
        yield max(held, key=lambda label: held[label], default="")


def scale(report: Report, width: int) -> Text:
    """Return the times below the ribbon."""
    line = ""
    for at_s, words in ticks(report):
        column = int((at_s - report.start_s) / (report.end_s - report.start_s) * width)
        if len(line) <= column <= width - len(words):
            line = f"{line:<{column}}{words} "
    return Text(line[:width], style="dim", no_wrap=True)


def _legend(report: Report) -> Text:
    shown = [
        Text.assemble((BLOCKS.get(label, OTHER_BLOCK), colour(label)), f" {spoken(label)}") for label in legend(report)
    ]
    return Text("  ").join([*shown, Text(f"{NO_DATA} no data", style="dim")])


def _table(report: Report) -> Table:
    table = Table("activity", box=None, padding=(0, 2, 0, 0))
    table.add_column("time", justify="right")
    table.add_column("share", justify="right")
    table.add_column("")
    for line in lines(report):
        bar = ProgressBar(total=1.0, completed=line.share, width=BAR_WIDTH, complete_style=colour(line.label))
        table.add_row(Text(line.spoken), duration(line.seconds), f"{line.share:.0%}", bar)
    return table


def _facts(report: Report) -> Table:
    table = Table.grid(padding=(0, 2, 0, 0))
    for name, value in facts(report):
        table.add_row(Text(name, style="dim"), value)
    return table


def _print(console: Console, what: Text | Table) -> None:
    console.print(Padding(what, (0, MARGIN), expand=False), soft_wrap=False)
