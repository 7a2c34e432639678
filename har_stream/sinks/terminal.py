"""The live table on a terminal: each device with its label, confidence and time in this activity."""

from __future__ import annotations

from collections.abc import Callable
from threading import Lock
from typing import Final

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from har_stream.activities import UNKNOWN
from har_stream.samples import Prediction
from har_stream.settings import IntakeSettings

MOST_DEVICES: Final = IntakeSettings().max_devices
REFRESH_HZ: Final = 8
BAR_WIDTH: Final = 16
FRAME_LINES: Final = 6
"""Lines of a screen that are not rows of the table."""
STYLES: Final = {
    "walking": "green",
    "walking_upstairs": "bright_green",
    "walking_downstairs": "cyan",
    "sitting": "yellow",
    "standing": "blue",
    "laying": "magenta",
    UNKNOWN: "dim",
}


class TerminalTable:
    """A table redrawn in place a few times a second, whatever the load."""

    name = "stdout:"
    at_once = 1000
    condition = ""

    def __init__(self, console: Console | None = None, *, max_devices: int = MOST_DEVICES) -> None:
        """Show the max_devices that spoke last."""
        self._max_devices = max_devices
        self._console = console or Console()
        self._shown: dict[str, Prediction] = {}
        self._lock = Lock()
        self._live = Live(console=self._console, refresh_per_second=REFRESH_HZ, get_renderable=self.render)

    def start(self, wake: Callable[[], None]) -> None:
        """Take the bottom of the terminal; what is logged meanwhile scrolls above the table."""
        self._live.start()

    def ready(self) -> bool:
        """Tell that a table takes whatever comes."""
        return True

    def write(self, predictions: list[Prediction]) -> int:
        """Note the newest word on each device; the next redraw shows it."""
        with self._lock:
            for prediction in predictions:
                self._shown.pop(prediction.device, None)  # so that they stand in the order in which they spoke last
                self._shown[prediction.device] = prediction
            while len(self._shown) > self._max_devices:
                del self._shown[next(iter(self._shown))]
        return len(predictions)

    def idle(self) -> None:
        """Nothing to do: the table redraws itself."""

    def close(self, deadline_s: float) -> None:
        """Draw a last time and leave the terminal as it was."""
        self._live.stop()

    def render(self) -> RenderableType:
        """Return the table as it stands now, as many devices as the screen has lines for."""
        with self._lock:
            shown = [self._shown[device] for device in sorted(self._shown)]
        if not shown:
            return Text("waiting for the first window ...", style="dim")
        room = max(1, self._console.size.height - FRAME_LINES)
        table = _table(shown[:room])
        hidden = len(shown) - room
        return Group(table, Text(f"and {hidden} more devices", style="dim")) if hidden > 0 else table


def _table(shown: list[Prediction]) -> Table:
    has_truth = any(one.has_truth for one in shown)
    table = Table("device", "time", "activity", "confidence", "", "for")
    if has_truth:
        table.add_column("truth")
    for prediction in shown:
        style = STYLES.get(prediction.label, "")
        cells: list[RenderableType] = [
            prediction.device,
            clock(prediction.end_s),
            Text(spoken(prediction.label), style=f"bold {style}"),
            ProgressBar(total=1.0, completed=prediction.confidence, width=BAR_WIDTH, complete_style=style),
            f"{prediction.confidence:4.0%}",
            clock(prediction.end_s - prediction.since_s),
        ]
        if has_truth:
            cells.append(Text(spoken(prediction.truth or ""), style="dim"))
        table.add_row(*cells)
    return table


def spoken(label: str) -> str:
    """Return a label as people say it: walking upstairs."""
    return label.replace("_", " ")


def clock(seconds: float) -> str:
    """Return a time as m:ss, or h:mm:ss from an hour on."""
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"
