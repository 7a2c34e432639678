"""Segments in the history's file: schema, migration, retention, erasure."""

from __future__ import annotations

import os
import sqlite3
import stat
from contextlib import closing
from pathlib import Path

import pytest

from har_stream.errors import ConfigError
from har_stream.history import schema
from har_stream.history.store import DAY_S, MB, History, KnownDevice, Row, Store
from har_stream.segments import Segment
from tests.history_file import read, write, write_version_1

DAYS = [Segment("watch", "sitting", day * DAY_S, day * DAY_S + 60.0, 0.9) for day in range(100)]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "history.sqlite"


def test_what_is_written_is_read_by_device_and_time(path: Path) -> None:
    write(path, *DAYS[:3], Segment("belt", "walking", 5.0, 6.0, 0.5))
    assert read(path, "watch") == DAYS[:3]
    assert [one.device for one in read(path)] == ["belt", *["watch"] * 3]
    with History(path) as history:
        assert list(history.segments("watch", start_s=59.9, end_s=DAY_S)) == DAYS[:1]
        assert list(history.segments("watch", start_s=60.0, end_s=2 * DAY_S + 1)) == DAYS[1:3]
        assert list(history.segments("watch", limit=2)) == DAYS[:2]
        assert history.devices() == [KnownDevice("belt", 5.0, 6.0, 1), KnownDevice("watch", 0.0, 2 * DAY_S + 60, 3)]


def test_all_files_are_their_owners_alone_whatever_the_umask(path: Path) -> None:
    path.touch(0o644)
    before = os.umask(0)
    try:
        with closing(Store(path)) as store:
            store.write([Row(DAYS[0])])
            held = sorted(path.parent.iterdir())
            assert [one.name for one in held] == [path.name, f"{path.name}-shm", f"{path.name}-wal"]
            assert {stat.S_IMODE(one.stat().st_mode) for one in held} == {0o600}
    finally:
        os.umask(before)


def test_a_row_that_was_erased_meanwhile_is_told_gone_and_comes_not_back(path: Path) -> None:
    row = Row(DAYS[0])
    with closing(Store(path)) as store, closing(Store(path)) as other:
        store.write([row])
        assert other.erase("watch") == 1
        store.write([row])
    assert row.gone
    assert read(path) == []


def test_a_file_of_the_first_version_is_brought_to_the_newest(path: Path) -> None:
    first = [*DAYS[:2], Segment("belt", "walking", 5.0, 6.0, 0.5)]
    write_version_1(path, *first)
    schema.check(path)
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (1,)
    assert sorted(read(path), key=str) == sorted(first, key=str)
    write(path, DAYS[2])
    assert read(path, "watch") == DAYS[:3]
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (schema.VERSION,)


def test_a_migration_that_fails_leaves_all_as_it_was(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_version_1(path, *DAYS[:2])
    with monkeypatch.context() as changed:
        changed.setattr(schema, "MIGRATIONS", (schema.MIGRATIONS[0], f"{schema.MIGRATIONS[1]} VACUUM nowhere;"))
        with pytest.raises(ConfigError, match="nowhere"):
            read(path)
    assert read(path) == DAYS[:2]


def test_what_is_no_history_is_refused_and_stays_as_it_is(path: Path, tmp_path: Path) -> None:
    other, text, newer = tmp_path / "other.sqlite", tmp_path / "text.sqlite", tmp_path / "newer.sqlite"
    with closing(sqlite3.connect(other)) as connection:
        connection.execute("CREATE TABLE mails (id)")
    text.write_text("no database at all, " * 100)
    write(newer)
    with closing(sqlite3.connect(newer)) as connection:
        connection.execute("PRAGMA user_version = 99")
    write(path)
    for one, reason in (
        (other, "another program"),
        (text, "not a database"),
        (newer, "version 99"),
        (tmp_path, "is a folder"),
        (tmp_path / "absent" / "x", "no such folder"),
    ):
        before = one.read_bytes() if one.is_file() else b""
        with pytest.raises(ConfigError, match=reason):
            schema.check(one)
        assert not one.is_file() or one.read_bytes() == before
    with pytest.raises(ConfigError, match="no such file"):
        read(tmp_path / "absent.sqlite")


def test_what_is_older_than_asked_is_dropped_by_the_newest_end(path: Path) -> None:
    write(path, *DAYS, Segment("old", "walking", 1.0, 2.0, 0.5))
    with closing(Store(path)) as store:
        assert store.prune(keep_days=0, max_mb=100) == 0
        assert store.prune(keep_days=10, max_mb=100) == 90
    assert read(path) == DAYS[89:]
    with History(path) as history:
        assert [one.device for one in history.devices()] == ["watch"]


def test_a_file_that_grows_too_large_loses_its_oldest_and_shrinks(path: Path) -> None:
    many = [Segment("watch", "sitting", at * 60.0, at * 60.0 + 60, 0.9) for at in range(20_000)]
    write(path, *many)
    assert path.stat().st_size > 1 * MB
    with closing(Store(path)) as store:
        store.prune(keep_days=0, max_mb=0.5)
        assert path.stat().st_size <= 0.5 * MB
        left = read(path)
        assert left == many[-len(left) :]
        assert len(left) > 1000
        assert store.prune(keep_days=0, max_mb=0.5) == 0
        store.erase("watch")
    assert path.stat().st_size < 0.05 * MB


def traces(path: Path, device: str) -> list[str]:
    return [one.name for one in path.parent.iterdir() if device.encode() in one.read_bytes()]


def test_no_byte_of_an_erased_device_stays_while_others_have_the_file_open(path: Path) -> None:
    erased = "nightstand-7731"
    with closing(Store(path)) as store:
        store.write([Row(one) for one in DAYS])
        for at in range(50):
            store.write([Row(Segment(erased, "laying", at * 10.0, at * 10.0 + 9, 0.9))])
        assert traces(path, erased)
        with closing(Store(path)) as other:
            assert other.erase(erased) == 50
            assert other.erase(erased) == 0
        assert traces(path, erased) == []
        store.write([Row(Segment("belt", "walking", 1.0, 2.0, 0.5))])
    assert traces(path, erased) == []
    assert read(path, "watch") == DAYS
