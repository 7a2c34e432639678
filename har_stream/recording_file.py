"""A recording .csv.gz that grows by gzip members: whatever is written is whole, whenever the process is killed.

A member is written by one open, write and close, so that any number of recordings need no more than one descriptor.
What a full disk cuts short is taken back. Nothing is synced: a loss of power may cost what the system still held.
"""

from __future__ import annotations

import contextlib
import gzip
import os
import time
from itertools import count
from pathlib import Path
from typing import Final

from har_stream.datasets.recording_lines import header_line, sample_lines
from har_stream.errors import ConfigError
from har_stream.ordering import Run

OWNER_ONLY: Final = 0o600
OWNER_ONLY_FOLDER: Final = 0o700
APPENDING: Final = os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW
LEVEL: Final = 1
"""Of small members a higher one makes hardly less, and takes several times as long."""
START: Final = "%Y%m%dT%H%M%SZ"
ADVICE: Final = "give --record a folder that can be written"


def make_folder(folder: Path) -> None:
    """Make the folder of recordings if need be. Raises ConfigError where it cannot be written."""
    check_folder(folder)
    try:
        folder.mkdir(mode=OWNER_ONLY_FOLDER, parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(f"record: {folder}: {error.strerror}: {ADVICE}") from None


def check_folder(folder: Path) -> None:
    """Raise ConfigError where make_folder would, as far as can be told without making anything."""
    try:
        there = next(path for path in (folder, *folder.absolute().parents) if os.access(path, os.F_OK))
    except ValueError as error:
        raise ConfigError(f"record: {folder}: {error}: {ADVICE}") from None
    if not there.is_dir():
        raise ConfigError(f"record: {folder}: {there} is no folder: {ADVICE}")
    if not os.access(there, os.W_OK | os.X_OK):
        raise ConfigError(f"record: {folder}: cannot be written: {ADVICE}")


class RecordingFile:
    """One device's recording; the file is made with the first samples."""

    def __init__(self, folder: Path, device: str, *, labelled: bool) -> None:
        self._folder, self._device, self.labelled = folder, device, labelled
        self.path: Path | None = None
        self.size = 0
        self._begun_s = 0.0
        self.broken = False

    @property
    def age_s(self) -> float:
        """How long ago the file was made, 0 where it is not yet."""
        return 0.0 if self.path is None else time.monotonic() - self._begun_s

    def member(self, run: Run) -> bytes:
        """Return samples as a gzip member, the first one with the header."""
        head = header_line(labelled=self.labelled) if self.path is None else b""
        truth = run.truth if self.labelled else None
        return gzip.compress(head + sample_lines(run.times_s, run.values, truth), LEVEL, mtime=0)

    def append(self, member: bytes) -> None:
        """Write a member. Raises OSError and leaves the file as it was, or else broken: then begin another one."""
        descriptor = self._create() if self.path is None else os.open(self.path, APPENDING)
        try:
            self._write(descriptor, member)
        finally:
            os.close(descriptor)

    def _create(self) -> int:
        stamp = time.strftime(START, time.gmtime())
        for number in count(1):
            name = f"{self._device}_{stamp}" + (f"-{number}" if number > 1 else "")
            path = self._folder / f"{name}.csv.gz"
            try:
                descriptor = os.open(path, APPENDING | os.O_CREAT | os.O_EXCL, OWNER_ONLY)
            except FileExistsError:
                continue
            os.fchmod(descriptor, OWNER_ONLY)  # whatever the umask is
            self.path, self._begun_s = path, time.monotonic()
            return descriptor
        raise AssertionError  # count() has no end

    def _write(self, descriptor: int, member: bytes) -> None:
        before, sent = os.fstat(descriptor).st_size, 0
        try:
            while sent < len(member):
                sent += os.write(descriptor, member[sent:])
        except OSError:
            self._take_back(descriptor, before)
            raise
        self.size = before + len(member)

    def _take_back(self, descriptor: int, size: int) -> None:
        try:
            os.ftruncate(descriptor, size)
        except OSError:
            self.broken = True
        if not size and self.path is not None:
            with contextlib.suppress(OSError):
                self.path.unlink()
            self.path = None
