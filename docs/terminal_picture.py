"""Draws docs/terminal.svg: the live table after a minute and a half of three simulated people.

.venv/bin/python docs/terminal_picture.py
"""

from __future__ import annotations

import io
import re
from pathlib import Path
from threading import Event
from typing import Final

from rich._export_format import CONSOLE_SVG_FORMAT
from rich.console import Console

from har_stream.accounting import Accounting
from har_stream.classifier import Classifier
from har_stream.manifest import load_manifest, resolve
from har_stream.pipeline import Pipeline
from har_stream.settings import IntakeSettings, Settings
from har_stream.sinks.terminal import TerminalTable
from har_stream.sources.simulator import Simulator
from har_stream.uri import parse_uri

PICTURE: Final = Path(__file__).with_name("terminal.svg")
SOURCE: Final = "sim:?devices=3&speed=max"
COMMAND: Final = "har-stream --source 'sim:?devices=3'"
SHOWN_S: Final = 90.0
WIDTH: Final = 76
FRAME: Final = re.sub(r"@font-face {{.*?}}\n|<!--.*?-->", "", CONSOLE_SVG_FORMAT, flags=re.DOTALL)
"""Rich's own frame without the fonts that it would fetch from elsewhere: any monospaced one will do."""


def draw() -> str:
    """Run the stream from the simulator to the table, and return the table as an SVG picture."""
    folder = resolve(Settings().model)
    manifest = load_manifest(folder)
    pipeline = Pipeline(manifest, Classifier(folder, manifest), IntakeSettings(), Accounting())
    console = Console(record=True, width=WIDTH, file=io.StringIO(), force_terminal=True)
    table = TerminalTable(console)
    for tick in Simulator(parse_uri(SOURCE)).blocks(Event()):
        told = [prediction for prediction in pipeline.push(tick, 0.0) if prediction.end_s <= SHOWN_S]
        if not told:
            break
        table.write(told)
    console.print(table.render())
    return console.export_svg(title=COMMAND, code_format=FRAME)


if __name__ == "__main__":
    PICTURE.write_text(draw(), "utf-8")
