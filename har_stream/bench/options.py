"""What a bench is asked to do."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from har_stream.manifest import Engine

Progress = Callable[[str], None]
"""Tells the person who waits what is being done now."""


@dataclass(frozen=True, slots=True)
class Options:
    """quick: seconds instead of minutes, and rougher figures. devices: how many are served at a time, in turn."""

    quick: bool = False
    only: tuple[str, ...] = ()
    devices: tuple[int, ...] = (1, 100, 1_000, 10_000)
    model: str = "light-lstm"
    engines: tuple[Engine, ...] = ("onnx",)
    broker: str = ""
    json: Path | None = None
    progress: Progress = field(default=lambda _: None)
