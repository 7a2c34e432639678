"""Files that are read whole, if they are files and not too long."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from har_stream.bounded_file import read_bounded


def test_a_file_up_to_the_bound_is_read_whole_and_no_longer_one(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"12345")
    assert read_bounded(path, 5) == b"12345"
    with pytest.raises(OSError, match="longer than 4 bytes"):
        read_bounded(path, 4)


def test_what_never_ends_or_never_begins_is_refused_at_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", Path("/dev/zero")):
        with pytest.raises(OSError, match="not a file"):
            read_bounded(path, 100)
    with pytest.raises(IsADirectoryError, match=f"Is a directory: '{tmp_path}'"):
        read_bounded(tmp_path, 100)
    with pytest.raises(FileNotFoundError):
        read_bounded(tmp_path / "none", 100)


def descriptors() -> list[Path]:
    return list(Path("/proc/self/fd").iterdir())


def test_no_descriptor_is_left_open_whatever_was_there(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    read_bounded(tmp_path / "file", 1)
    before = descriptors()
    read_bounded(tmp_path / "file", 1)
    for path in (tmp_path, Path("/dev/zero")):
        with pytest.raises(OSError, match=str(path)):
            read_bounded(path, 1)
    assert descriptors() == before
