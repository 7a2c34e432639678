"""Readers of recorded motion: HAPT and UCI HAR as downloaded (folder or zip), and har-stream's own recordings."""

from __future__ import annotations

from pathlib import Path

from har_stream.datasets.files import Files, open_files
from har_stream.datasets.hapt import Hapt
from har_stream.datasets.recording import read_recording
from har_stream.datasets.split import Selection
from har_stream.datasets.types import LabelledSpan, Recording, WindowTable
from har_stream.datasets.uci_har import UciHar
from har_stream.errors import InputError

__all__ = [
    "Hapt",
    "LabelledSpan",
    "Recording",
    "Selection",
    "UciHar",
    "WindowTable",
    "open_data_set",
    "read_recording",
]


def open_data_set(path: Path) -> Hapt | UciHar:
    """Tell HAPT from UCI HAR by what a folder or zip holds.

    Raises InputError where the path does not exist or holds neither.
    """
    files = open_files(path)
    for kind in (Hapt, UciHar):
        root = kind.find(files)
        if root is not None:
            return kind(files, root)
    raise InputError(_nothing_found(files))


def _nothing_found(files: Files) -> str:
    return (
        f"{files.path}: no data set found: looked for {Hapt.LANDMARK} (HAPT) and "
        f"{UciHar.LANDMARK[0]!r} (UCI HAR) among {len(files.names)} files; give the folder that holds them"
    )
