"""The file that the states of devices are kept in: whole or not there at all, whenever the power goes.

Written beside its place, synced and moved there, under a lock that every process of har-stream takes; readable by
its owner alone, for it tells about a body. A file that cannot be read is set aside, never overwritten.
"""

from __future__ import annotations

import fcntl
import logging
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from har_stream.errors import ConfigError
from har_stream.settings import Settings
from har_stream.sources import is_live
from har_stream.state import States, UnreadableStateError, decode, encode

NAME: Final = "devices.json"
OFF: Final = "off"
OWNER_ONLY: Final = 0o600
OWNER_ONLY_FOLDER: Final = 0o700
ADVICE: Final = "give --state a folder that can be written, or off"

log = logging.getLogger(__name__)


def state_folder(settings: Settings, environment: Mapping[str, str], *, on_command_line: bool) -> Path | None:
    """Return the folder that states are kept in, None for nowhere. Raises ConfigError where there is no default.

    Recorded and simulated devices are not real: only the command line can ask to keep what is learned from them.
    """
    if settings.state == OFF or not (is_live(settings.source) or on_command_line):
        return None
    of_service = environment.get("STATE_DIRECTORY", "").partition(":")[0]
    of_user = environment.get("XDG_STATE_HOME", "")
    of_user = of_user if of_user.startswith("/") else "~/.local/state"
    try:
        return Path(settings.state or of_service or f"{of_user}/har-stream").expanduser()
    except RuntimeError as error:
        raise ConfigError(f"state: {error}: {ADVICE}") from None


def check_folder(folder: Path) -> None:
    """Raise ConfigError where StateFile(folder) would, as far as can be told without making anything."""
    with _as_config_error(folder):
        there = next(path for path in (folder, *folder.absolute().parents) if os.access(path, os.F_OK))
        if not there.is_dir():
            raise NotADirectoryError(0, "not a folder")
        if not os.access(there, os.W_OK | os.X_OK):
            raise PermissionError(0, "cannot be written")


class StateFile:
    """A folder's file of states. Raises ConfigError where it cannot be read and written."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / NAME
        self._signature: tuple[int, int, int] | None = None
        self._states: States = {}
        with _as_config_error(folder):
            folder.mkdir(mode=OWNER_ONLY_FOLDER, parents=True, exist_ok=True)
            with self.locked():
                # What is written back proves that it can be, before anything depends on it.
                self.write(self.read())

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep other processes from reading and writing meanwhile; raises OSError."""
        with self._opened(self.path.with_suffix(".lock"), os.O_RDWR) as descriptor:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield

    def read(self) -> States:
        """Return the states that the file holds now; raises OSError. Parsed only if somebody else wrote it."""
        signature = self._look()
        if signature != self._signature:
            self._states = {} if signature is None else self._parse()
            self._signature = self._look()
        return self._states

    def write(self, states: States) -> None:
        """Put states in the place of what the file holds; raises OSError and leaves the file as it was."""
        new = self.path.with_suffix(".new")
        with self._opened(new, os.O_WRONLY | os.O_TRUNC) as descriptor, open(descriptor, "wb", closefd=False) as file:
            os.fchmod(descriptor, OWNER_ONLY)
            file.write(encode(states))
            file.flush()
            os.fsync(descriptor)
        new.replace(self.path)
        folder = os.open(self.path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
        self._states, self._signature = states, self._look()

    def _look(self) -> tuple[int, int, int] | None:
        try:
            found = self.path.stat()
        except FileNotFoundError:
            return None
        return found.st_ino, found.st_mtime_ns, found.st_size

    def _parse(self) -> States:
        try:
            return decode(self.path.read_bytes())
        except UnreadableStateError as error:
            aside = self.path.with_name(f"{NAME}.{error.kind}")
            self.path.replace(aside)
            log.warning("%s: %s; set aside as %s, begun anew", self.path, error, aside.name)
            return {}

    @staticmethod
    @contextmanager
    def _opened(path: Path, flags: int) -> Iterator[int]:
        descriptor = os.open(path, flags | os.O_CREAT | os.O_CLOEXEC, OWNER_ONLY)
        try:
            yield descriptor
        finally:
            os.close(descriptor)


@contextmanager
def _as_config_error(folder: Path) -> Iterator[None]:
    try:
        yield
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise ConfigError(f"state: {folder}: {reason}: {ADVICE}") from None
