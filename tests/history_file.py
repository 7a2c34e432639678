"""Histories for tests."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from har_stream.history.schema import APPLICATION_ID, MIGRATIONS
from har_stream.history.store import History, Row, Store
from har_stream.segments import Segment


def write(path: Path, *segments: Segment) -> None:
    with closing(Store(path)) as store:
        store.write([Row(segment) for segment in segments])


def read(path: Path, device: str | None = None) -> list[Segment]:
    with History(path) as history:
        return list(history.segments(device))


def write_version_1(path: Path, *segments: Segment) -> None:
    """A file as the first schema had it."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.executescript(f"PRAGMA application_id = {APPLICATION_ID}; {MIGRATIONS[0]} PRAGMA user_version = 1;")
        connection.executemany(
            "INSERT INTO segments (device, start_s, end_s, label, confidence) VALUES (?, ?, ?, ?, ?)",
            [(one.device, one.start_s, one.end_s, one.label, one.confidence) for one in segments],
        )
