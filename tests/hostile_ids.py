"""python -m tests.hostile_ids FOLDER: what a stream grows by where 100,000 ids come that somebody made up, as JSON.

Every id takes the place of an idle one, and some of them get as far as a label, so that all that remembers devices is
gone through: translation, pipeline, day book, page, table, history, announcements, kept states.
"""

from __future__ import annotations

import gc
import io
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import cast

import numpy as np
from rich.console import Console

from har_stream.classifier import Classifier
from har_stream.engine import Engine
from har_stream.formats import cbor_blocks
from har_stream.history.sink import HistorySink
from har_stream.home_assistant.timetable import Timetable
from har_stream.keeper import Keeper
from har_stream.live import Live
from har_stream.manifest import load_manifest, resolve
from har_stream.profiles import Profiles
from har_stream.samples import Prediction, Samples
from har_stream.settings import HistorySettings, HomeAssistantSettings, IntakeSettings, MetricsSettings, Settings
from har_stream.sinks.outlets import Outlets
from har_stream.sinks.terminal import TerminalTable
from har_stream.state_file import StateFile
from har_stream.translation import Translator
from tests.motion import motion

IDS = 100_000
WARM_UP = 4_000
"""Ids after which all that is loaded or made but once is there."""
LABELLED = 32
"""One in so many ticks brings samples enough for a window."""
PLACES = 64
SETTINGS = Settings(
    source="mqtt://localhost/har",
    intake=IntakeSettings(max_devices=PLACES, idle_s=1e-6),
    home_assistant=HomeAssistantSettings(enabled=True),
    metrics=MetricsSettings(per_device=PLACES),
)
MANIFEST = load_manifest(resolve("sway-lstm"))


class Walking:
    """Takes everything for walking, which teaches how a device is worn."""

    def probabilities(self, windows: Samples) -> np.ndarray:
        return np.tile(np.eye(len(MANIFEST.outputs), dtype=np.float32)[0], (len(windows), 1))


class Sinks:
    """Those that remember devices, written to at once."""

    def __init__(self, folder: Path) -> None:
        self.table = TerminalTable(Console(file=io.StringIO()), max_devices=PLACES)
        self.history = HistorySink(folder / "history.sqlite", HistorySettings(max_mb=1.0), max_devices=PLACES)
        self.announced = Timetable(every_s=10.0, limit=PLACES)
        self.labels = 0

    def put(self, predictions: list[Prediction], _: float, *, while_waiting: Callable[[], None]) -> None:
        while_waiting()
        self.table.write(predictions)
        self.history.write(predictions)
        self.history.idle()
        for one in predictions:
            self.announced.due(one.device, one.label, time.monotonic())
        self.announced.forgotten()
        self.labels += len(predictions)


class Flood:
    """An engine and all about it, and who sends to it."""

    def __init__(self, folder: Path) -> None:
        self.sinks = Sinks(folder)
        self.live = Live(limit=PLACES, labels=MANIFEST.labels, framing=MANIFEST.framing)
        self.keeper = Keeper(StateFile(folder), limit=PLACES, every_s=0.1)
        self.engine = Engine(
            SETTINGS,
            MANIFEST,
            cast("Classifier", Walking()),
            paced=True,
            live=self.live,
            recorder=None,
            keeper=self.keeper,
        )
        self.translator = Translator(Profiles(), model_rate_hz=50.0, stream=False, max_devices=2 * PLACES)
        values = motion(1, 260)
        self.long = cbor_blocks.encode(values, rate_hz=50.0, start_s=0.0)
        self.short = cbor_blocks.encode(values[:1], rate_hz=50.0, start_s=0.0)
        self.keeper.start()
        self.engine.start(cast("Outlets", self.sinks))

    def send(self, first: int, last: int) -> None:
        """Send a message of each id, a tick for as many as there are places, as fast as the engine takes them."""
        for at in range(first, last, PLACES):
            payload = self.short if at // PLACES % LABELLED else self.long
            names = [f"made-up-id-{number:040d}" for number in range(at, min(at + PLACES, last))]
            now_s = time.monotonic()
            blocks = [block for name in names for block in self.translator.push(payload, now_s, name)]
            self.engine.queue.put(blocks, now_s)
            while self.engine.queue.blocks:
                time.sleep(0.0002)

    def end(self) -> None:
        self.engine.queue.close()
        assert self.engine.thread is not None
        self.engine.thread.join()
        self.keeper.finish(time.monotonic() + 60)


def memory_mib(what: str) -> float:
    """What /proc says of this process: VmRSS now, VmHWM at most so far."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith(what))


def main(folder: Path) -> None:
    """Print what it grew by, and what was counted."""
    flood = Flood(folder)
    with flood.live.look(""):
        flood.send(0, WARM_UP)
        gc.collect()
        before_mib = memory_mib("VmHWM")
        flood.send(WARM_UP, IDS)
        grown_mib = memory_mib("VmHWM") - before_mib
        _, rows = flood.live.since(0, time.monotonic())
    present = flood.engine.books.read().present.devices
    flood.end()
    books = flood.engine.accounting
    print(  # noqa: T201 - the answer
        json.dumps(
            {
                "grown_mib": grown_mib,
                "present": present,
                "rows": len(rows),
                "labels": flood.sinks.labels,
                "kept": len(StateFile(folder).read()),
                "stood": len(StateFile(folder).standings.read().devices),
                "refused": sum(books.refused.values()),
                "balance": books.balance(flood.engine.pipeline.buffered),
            }
        )
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]))
