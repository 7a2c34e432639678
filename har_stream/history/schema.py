"""The history's file: SQLite in WAL mode, readable by its owner alone, brought to the newest schema when it is opened.

    version 1   segments, each with its device's id
    version 2   devices stand once, segments refer to them

user_version is the schema's, application_id tells a history from the files of other programs.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import stat
from pathlib import Path
from typing import Final

from har_stream.errors import ConfigError

APPLICATION_ID: Final = 0x48415231
"""HAR1."""
OWNER_ONLY: Final = 0o600
BUSY_S: Final = 5.0
"""How long another process may hold the file."""

MIGRATIONS: Final = (
    """
    CREATE TABLE segments (
        id INTEGER PRIMARY KEY, device TEXT NOT NULL,
        start_s REAL NOT NULL, end_s REAL NOT NULL, label TEXT NOT NULL, confidence REAL NOT NULL);
    CREATE INDEX segments_by_device ON segments (device, start_s);
    """,
    """
    CREATE TABLE devices (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
    INSERT INTO devices (name) SELECT DISTINCT device FROM segments;
    ALTER TABLE segments RENAME TO flat;
    DROP INDEX segments_by_device;
    CREATE TABLE segments (
        id INTEGER PRIMARY KEY, device INTEGER NOT NULL REFERENCES devices (id) ON DELETE CASCADE,
        start_s REAL NOT NULL, end_s REAL NOT NULL, label TEXT NOT NULL, confidence REAL NOT NULL);
    INSERT INTO segments SELECT flat.id, devices.id, start_s, end_s, label, confidence
        FROM flat JOIN devices ON devices.name = flat.device;
    DROP TABLE flat;
    CREATE INDEX segments_by_device ON segments (device, start_s);
    CREATE INDEX segments_by_end ON segments (end_s);
    """,
)
"""What brings a file from each version to the next, from an empty one on."""
VERSION: Final = len(MIGRATIONS)


def check(path: Path) -> None:
    """Raise ConfigError where a history cannot be kept, as far as can be told without making or changing anything.

    OSError and ValueError where not even that can be told.
    """
    name, folder = f"history:{path}", path.parent
    with contextlib.suppress(FileNotFoundError, NotADirectoryError):
        if not stat.S_ISREG(path.stat().st_mode):
            raise ConfigError(f"{name}: is {'a folder' if path.is_dir() else 'no file'}")
    if not folder.is_dir():
        raise ConfigError(f"{name}: no such folder")
    # SQLite keeps two more files beside it.
    if not os.access(folder, os.W_OK | os.X_OK) or (path.exists() and not os.access(path, os.R_OK | os.W_OK)):
        raise ConfigError(f"{name}: cannot be written")
    if path.exists() and path.stat().st_size:
        _probe(path).close()


def open_to_read(path: Path) -> sqlite3.Connection:
    """Open a history that is there. Raises ConfigError where it is none that can be read here."""
    if not path.is_file():
        raise ConfigError(f"history:{path}: no such file")
    connection = _probe(path)
    if _version(connection) < VERSION:
        connection.close()
        try:
            connection = open_to_write(path)
        except (OSError, sqlite3.Error) as error:
            raise ConfigError(f"history:{path}: {error}") from None
    connection.execute("PRAGMA query_only = ON")
    return connection


def _probe(path: Path) -> sqlite3.Connection:
    """Open a file that is there, and leave it as it is. Raises ConfigError where it is no history."""
    try:
        connection = sqlite3.connect(path, timeout=BUSY_S, isolation_level=None)
        try:
            _check_ours(connection, path)
        except BaseException:
            connection.close()
            raise
    except sqlite3.Error as error:
        raise ConfigError(f"history:{path}: {error}") from None
    return connection


def open_to_write(path: Path) -> sqlite3.Connection:
    """Open a history, made anew or brought to the newest schema. Raises ConfigError, OSError, sqlite3.Error."""
    _make_private(path)
    connection = sqlite3.connect(path, timeout=BUSY_S, isolation_level=None, check_same_thread=False)
    try:
        _check_ours(connection, path)
        # Before the first table: the file gives space back, and nothing that was deleted stays in it.
        connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA secure_delete = ON")
        _migrate(connection)
        connection.execute("PRAGMA foreign_keys = ON")
    except BaseException:
        connection.close()
        raise
    return connection


def _make_private(path: Path) -> None:
    """Make the file, if need be; SQLite gives those beside it the mode that it has."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, OWNER_ONLY)
    try:
        os.fchmod(descriptor, OWNER_ONLY)
    finally:
        os.close(descriptor)


def _check_ours(connection: sqlite3.Connection, path: Path) -> None:
    (tables,) = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    if tables and application != APPLICATION_ID:
        raise ConfigError(f"history:{path}: is a database of another program")
    if (version := _version(connection)) > VERSION:
        raise ConfigError(f"history:{path}: is of version {version}, this har-stream knows {VERSION}")


def _version(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def _migrate(connection: sqlite3.Connection) -> None:
    """Bring the file to the newest schema, a step whole or not at all."""
    connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    while (version := _version(connection)) < VERSION:
        connection.executescript(f"BEGIN IMMEDIATE; {MIGRATIONS[version]} PRAGMA user_version = {version + 1}; COMMIT;")
