"""Segments in the history's file: written in batches, read by device and time, erased, dropped when they are old."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

from har_stream.errors import HarStreamError
from har_stream.history.schema import open_to_read, open_to_write
from har_stream.segments import Segment

DAY_S: Final = 86_400.0
MB: Final = 1_000_000
OLDEST_SHARE: Final = 0.1
"""Of all segments, what goes at a time where the file is too large."""
SPARE: Final = 0.9
"""Of the size that is allowed, what is left after that, so that not every look finds it too large."""

SEGMENTS: Final = """
    SELECT devices.name, label, start_s, end_s, confidence
    FROM segments JOIN devices ON devices.id = segments.device
"""


@dataclass(slots=True)
class Row:
    """A segment and the row that it has in the file, None for none yet; gone where someone erased it."""

    segment: Segment
    place: int | None = None
    gone: bool = False


@dataclass(frozen=True, slots=True)
class KnownDevice:
    """A device that the history knows: from when to when, in s since the epoch, and in how many segments."""

    device: str
    start_s: float
    end_s: float
    segments: int


class Store:
    """A history that is written. Raises ConfigError, OSError, sqlite3.Error where it cannot be opened."""

    def __init__(self, path: Path) -> None:
        self._connection = open_to_write(path)

    def close(self) -> None:
        """End; what is committed moves from the -wal file to its place."""
        self._connection.close()

    def write(self, rows: Iterable[Row]) -> None:
        """Write rows, all or none. Raises sqlite3.Error."""
        with self._transaction():
            placed = [(row, self._insert(row.segment) if row.place is None else self._update(row)) for row in rows]
        for row, place in placed:
            row.place, row.gone = place, place is None

    def prune(self, *, keep_days: int, max_mb: float) -> int:
        """Delete what ended keep_days before the newest end (0: nothing), and the oldest until the file fits.

        Returns how many segments went. Raises sqlite3.Error.
        """
        before = self._count()
        if keep_days:
            oldest = "(SELECT max(end_s) FROM segments) - ?"
            self._delete(f"DELETE FROM segments WHERE end_s < {oldest}", keep_days * DAY_S)  # noqa: S608 - no input
        if self._used_bytes() > max_mb * MB:
            while self._used_bytes() > max_mb * MB * SPARE and (count := self._count()):
                oldest = "(SELECT id FROM segments ORDER BY end_s LIMIT ?)"
                self._delete(f"DELETE FROM segments WHERE id IN {oldest}", max(1, int(count * OLDEST_SHARE)))  # noqa: S608 - as above
        gone = before - self._count()
        if gone:
            # execute() would take its first step alone.
            self._connection.executescript("PRAGMA incremental_vacuum; PRAGMA wal_checkpoint(TRUNCATE);")
        return gone

    def erase(self, device: str) -> int:
        """Delete all of a device, so that no byte of it stays; returns how many segments went. Raises sqlite3.Error."""
        (count,) = self._connection.execute(
            "SELECT count(*) FROM segments JOIN devices ON devices.id = segments.device WHERE name = ?", (device,)
        ).fetchone()
        with self._transaction():
            known = self._connection.execute("DELETE FROM devices WHERE name = ?", (device,)).rowcount
        if known:
            self._connection.execute("VACUUM")
            busy, *_ = self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
            if busy:
                raise sqlite3.OperationalError("database is locked: traces stay in the -wal file; try again")
        return int(count)

    def _insert(self, segment: Segment) -> int:
        connection = self._connection
        connection.execute("INSERT INTO devices (name) VALUES (?) ON CONFLICT DO NOTHING", (segment.device,))
        done = connection.execute(
            "INSERT INTO segments (device, start_s, end_s, label, confidence) "
            "SELECT id, ?, ?, ?, ? FROM devices WHERE name = ?",
            (segment.start_s, segment.end_s, segment.label, segment.confidence, segment.device),
        )
        return int(done.lastrowid or 0)

    def _update(self, row: Row) -> int | None:
        """Update a row; returns None where it is there no more."""
        done = self._connection.execute(
            "UPDATE segments SET end_s = ?, confidence = ? WHERE id = ? AND start_s = ?",
            (row.segment.end_s, row.segment.confidence, row.place, row.segment.start_s),
        )
        return row.place if done.rowcount else None

    def _delete(self, statement: str, value: float) -> None:
        with self._transaction():
            self._connection.execute(statement, (value,))
            self._connection.execute("DELETE FROM devices WHERE id NOT IN (SELECT device FROM segments)")

    def _count(self) -> int:
        return int(self._connection.execute("SELECT count(*) FROM segments").fetchone()[0])

    def _used_bytes(self) -> int:
        pages, free, size = (
            int(self._connection.execute(f"PRAGMA {name}").fetchone()[0])
            for name in ("page_count", "freelist_count", "page_size")
        )
        return (pages - free) * size

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._connection.execute("COMMIT")
        except BaseException:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            raise


class HistoryError(HarStreamError):
    """A history that is one, and could not be read or changed (exit 1)."""


class History:
    """A history that is read, whoever writes it meanwhile. Raises ConfigError where it cannot be opened."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._connection = open_to_read(path)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def devices(self) -> list[KnownDevice]:
        """Return the devices, by their ids."""
        asked = """
            SELECT devices.name, min(start_s), max(end_s), count(*)
            FROM segments JOIN devices ON devices.id = segments.device GROUP BY devices.id ORDER BY devices.name
        """
        with self._told():
            return [KnownDevice(*row) for row in self._connection.execute(asked)]

    def segments(
        self, device: str | None = None, *, start_s: float = float("-inf"), end_s: float = float("inf"), limit: int = -1
    ) -> Iterator[Segment]:
        """Yield the segments that touch [start_s, end_s), a device's in order of their starts; limit -1 is all."""
        asked = f"{SEGMENTS} WHERE end_s > ? AND start_s < ?{' AND name = ?' if device is not None else ''}"
        values = (start_s, end_s, *([device] if device is not None else []), limit)
        with self._told():
            for name, label, begin_s, until_s, share in self._connection.execute(
                f"{asked} ORDER BY devices.name, start_s, segments.id LIMIT ?", values
            ):
                yield Segment(name, label, begin_s, until_s, share)

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise HistoryError(f"history:{self._path}: {error}") from None
