"""sink history:FILE.sqlite - settled labels as segments: who had which activity from when to when.

    predictions -> Spans -> rows: a device's last segment grows while its label stays -> a commit every few seconds

A kill costs what came since the last commit. Where the file cannot be written, what was taken waits in memory and what
comes is lost, counted, until it can.
"""

from __future__ import annotations

import contextlib
import errno
import logging
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from har_stream.day_report import extended
from har_stream.errors import ConfigError
from har_stream.history import schema
from har_stream.history.store import Row, Store
from har_stream.samples import Prediction
from har_stream.segments import TOUCH_S, Segment, Spans
from har_stream.settings import HistorySettings

SCHEME: Final = "history:"
COMMIT_EVERY_S: Final = 5.0
PRUNE_EVERY_S: Final = 3600.0
MOST_ROWS: Final = 10_000
"""Changed rows that are not held back any longer."""

log = logging.getLogger(__name__)


class HistorySink:
    """Keeps a history. Raises ConfigError where the file cannot be one."""

    at_once = 1000

    def __init__(self, path: Path, settings: HistorySettings, *, max_devices: int) -> None:
        schema.check(path)
        self.path, self.name, self.condition = path, f"{SCHEME}{path}", ""
        self._settings, self._max_devices = settings, max_devices
        self._spans = Spans(limit=max_devices)
        self._open: dict[str, Row] = {}
        self._changed: dict[int, Row] = {}
        self._store: Store | None = None
        self._waiting = 0
        self._commit_at_s = self._prune_at_s = time.monotonic()

    def start(self, wake: Callable[[], None]) -> None:
        """Need nothing: the file is opened by the first commit."""

    def ready(self) -> bool:
        """Tell that a file takes whatever comes."""
        return True

    def pass_on(self, predictions: list[Prediction]) -> bool:
        """Leave it to write(), which may wait."""
        return False

    def write(self, predictions: list[Prediction]) -> int:
        """Take predictions. Raises OSError where those before them cannot be committed: then these are lost."""
        if self.condition or len(self._changed) >= MOST_ROWS or time.monotonic() >= self._commit_at_s:
            self._commit()
        for prediction in predictions:
            for segment in self._spans.take(prediction):
                self._take(segment)
        self._waiting += len(predictions)
        return len(predictions)

    def idle(self) -> None:
        """Commit when it is time, and drop what is old."""
        if time.monotonic() >= self._commit_at_s:
            with contextlib.suppress(OSError):  # the condition tells it, and the next write
                self._commit()
        if self._store is not None and time.monotonic() >= self._prune_at_s:
            self._prune_at_s = time.monotonic() + PRUNE_EVERY_S
            try:
                with _as_os_error():
                    self._store.prune(keep_days=self._settings.keep_days, max_mb=self._settings.max_mb)
            except OSError as error:
                log.warning("%s: what is old cannot be dropped: %s", self.name, error.strerror)

    def close(self, deadline_s: float) -> None:
        """Commit what is left."""
        try:
            self._commit()
        except OSError as error:
            told = "%s: cannot be written: %s; the last %d labels are not in it"
            log.error(told, self.name, error.strerror, self._waiting)  # noqa: TRY400 - one line
        if self._store is not None:
            self._store.close()

    def _take(self, segment: Segment) -> None:
        """Let a device's last segment go on, or begin another one."""
        row = self._open.pop(segment.device, None)
        if row is not None and _goes_on(row.segment, segment) and not row.gone:
            row.segment = extended(row.segment, segment)
        else:
            row = Row(segment)
        self._open[segment.device] = row
        self._changed[id(row)] = row
        while len(self._open) > self._max_devices:
            del self._open[next(iter(self._open))]

    def _commit(self) -> None:
        """Write what has changed. Raises OSError."""
        self._commit_at_s = time.monotonic() + COMMIT_EVERY_S
        if not self._changed:
            return
        try:
            with _as_os_error():
                self._store = self._store or Store(self.path)
                self._store.write(self._changed.values())
        except OSError as error:
            self.condition = f"cannot be written: {error.strerror}"
            raise
        self.condition = ""
        self._changed.clear()
        self._waiting = 0


def history_sink(path: Path, settings: HistorySettings, *, max_devices: int) -> HistorySink:
    """Return a sink that keeps a history. Raises ConfigError where the file cannot be one."""
    try:
        return HistorySink(path.expanduser(), settings, max_devices=max_devices)
    except (OSError, ValueError, RuntimeError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise ConfigError(f"{SCHEME}{path}: {reason}") from None


def _goes_on(before: Segment, segment: Segment) -> bool:
    return before.label == segment.label and abs(segment.start_s - before.end_s) <= TOUCH_S


@contextmanager
def _as_os_error() -> Iterator[None]:
    """Let what SQLite and the file's making complain of be the OSError that a sink's worker counts."""
    try:
        yield
    except sqlite3.Error as error:
        full = getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_FULL
        raise OSError(errno.ENOSPC if full else errno.EIO, str(error)) from None
    except ConfigError as error:
        raise OSError(errno.EIO, str(error)) from None
