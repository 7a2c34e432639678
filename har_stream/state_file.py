"""The files that what is known of devices is kept in, read and written under a lock of all processes of har-stream."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from har_stream import standings, state
from har_stream.errors import ConfigError
from har_stream.kept_file import KeptFile, opened
from har_stream.settings import Settings
from har_stream.sources import is_live
from har_stream.standings import NOBODY
from har_stream.state import States

NAME: Final = "devices"
OFF: Final = "off"
OWNER_ONLY_FOLDER: Final = 0o700
ADVICE: Final = "give --state a folder that can be written, or off"


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
    """A folder's files of states. Raises ConfigError where they cannot be read and written.

    Beside the states, which tell of weeks, lie the standings, which a short restart needs.
    """

    def __init__(self, folder: Path, *, name: str = NAME) -> None:
        self.path = folder / f"{name}.json"
        self._lock = folder / f"{name}.lock"
        self._states: KeptFile[States] = KeptFile(self.path, {}, encode=state.encode, decode=state.decode)
        self.standings = KeptFile(
            folder / f"{name}.standings", NOBODY, encode=standings.encode, decode=standings.decode
        )
        with _as_config_error(folder):
            folder.mkdir(mode=OWNER_ONLY_FOLDER, parents=True, exist_ok=True)
            with self.locked():
                # What is written back proves that it can be, before anything depends on it.
                self.write(self.read())
                self.standings.read()

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep other processes from reading and writing meanwhile; raises OSError."""
        with opened(self._lock, os.O_RDWR) as descriptor:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield

    def read(self) -> States:
        """Return the states that the file holds now; raises OSError."""
        return self._states.read()

    def write(self, states: States) -> None:
        """Put states in the place of what the file holds; raises OSError and leaves the file as it was."""
        self._states.write(states)


@contextmanager
def _as_config_error(folder: Path) -> Iterator[None]:
    try:
        yield
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise ConfigError(f"state: {folder}: {reason}: {ADVICE}") from None
