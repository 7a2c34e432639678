"""What history and report understand on the command line."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Final

from har_stream.commands import Parser
from har_stream.completion import complete_files
from har_stream.manual import CODES

EXPORT_END: Final = (
    """\
examples:
  har-stream history export --history h.sqlite > segments.csv
  har-stream history export --history h.sqlite --device watch --from 2026-11-01 --format parquet --output watch.parquet

A line is a segment: device, start and end (UTC), seconds, label, mean confidence.
"""
    + CODES
)
ERASE_END: Final = (
    """\
examples:
  har-stream history erase --history h.sqlite watch

No byte of it stays in the file. A device that still sends begins anew; copies of the file are yours to find.
"""
    + CODES
)
REPORT_END: Final = (
    """\
examples:
  har-stream report --history h.sqlite                               today so far, on the terminal
  har-stream report --history h.sqlite --device watch --day yesterday --html yesterday.html
  har-stream report --history h.sqlite --from 2026-11-24T08:00 --to 2026-11-24T18:00 --png day.png

A daemon with a sink history: answers the same at /api/report.
"""
    + CODES
)
FROM_HELP: Final = "a time such as 2026-11-24T08:00, local where it names no zone"


def add_history(commands: argparse._SubParsersAction[Parser], add: Callable[..., Parser]) -> dict[str, Parser]:
    """Add history export and history erase; returns their parsers by these names."""
    about = "take segments out of a history, or a device"
    inner = commands.add_parser("history", help=about, description=f"{about.capitalize()}.").add_subparsers(
        required=True, metavar="export|erase", help="what to do with it"
    )
    export = add(inner, "export", "write the segments of a history as a table", EXPORT_END)
    export.add_argument("--device", metavar="ID", help="this one alone")
    _add_span(export)
    export.add_argument("--format", choices=("csv", "parquet"), default="csv", help="default: csv")
    complete_files(export.add_argument("--output", metavar="FILE", type=Path, help="default: standard output"))
    erase = add(inner, "erase", "delete all of a device from a history", ERASE_END)
    erase.add_argument("device", metavar="DEVICE", help="its id")
    for one in (export, erase):
        _add_files(one)
    return {"history export": export, "history erase": erase}


def add_report(commands: argparse._SubParsersAction[Parser], add: Callable[..., Parser]) -> Parser:
    """Add report; returns its parser."""
    report = add(commands, "report", "tell what a day was made of", REPORT_END)
    report.add_argument("--device", metavar="ID", help="whose; needed where the history has several")
    report.add_argument("--day", metavar="DAY", help="2026-11-24, today (the default) or yesterday")
    _add_span(report)
    faces = report.add_mutually_exclusive_group()
    for face, words in (("html", "a page that needs nothing else"), ("png", "a picture, by matplotlib (extra png)")):
        option = faces.add_argument(f"--{face}", metavar="FILE", type=Path, help=f"write it as {words}")
        complete_files(option)
    _add_files(report)
    return report


def _add_span(command: argparse.ArgumentParser) -> None:
    command.add_argument("--from", metavar="TIME", dest="begin", help=FROM_HELP)
    command.add_argument("--to", metavar="TIME", dest="end", help="as --from; now if not given")


def _add_files(command: argparse.ArgumentParser) -> None:
    history = command.add_argument(
        "--history",
        metavar="FILE",
        type=Path,
        help="the history; that of the configuration's sink history: if not given",
    )
    config = command.add_argument("--config", metavar="FILE", type=Path, help="a configuration file (TOML)")
    complete_files(history, config)
