"""One way to read a data set that lies in a folder, in a zip, or in a zip inside a zip (as UCI's site packs them)."""

from __future__ import annotations

import io
import lzma
import os
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Final

from har_stream.errors import InputError

DAMAGE: Final = (OSError, zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, RuntimeError, ValueError)
"""What zipfile raises for damaged, encrypted or unknown kinds of members, and for names that are none."""

DATA_SETS: Final = ("labels.txt", "Inertial Signals/")
"""In the names of a data set's files: a zip that has none of them is opened if it is the only one in the zip."""


@dataclass(frozen=True, slots=True)
class Files:
    """The names in a folder or zip (with forward slashes), and how to read one."""

    path: Path
    names: frozenset[str]
    read_bytes: Callable[[str], bytes]

    def find(self, landmark: str) -> str | None:
        """Return the folder below which `landmark` (a relative path) lies: "" or "some/folder/"; None if nowhere."""
        found = [n for n in self.names if n == landmark or n.endswith("/" + landmark)]
        return min(found, key=lambda name: (len(name), name)).removesuffix(landmark) if found else None

    def read(self, name: str) -> bytes:
        """Return a file's bytes. Raises InputError where it is missing or damaged."""
        if name not in self.names:
            raise InputError(
                f"{self.path}: {name} is missing: the data set is incomplete, extract or download it again"
            )
        try:
            return self.read_bytes(name)
        except DAMAGE as error:
            raise InputError(f"{self.path}: {name} cannot be read: {error}") from None


def open_files(path: Path) -> Files:
    """Open a folder or zip for reading. Raises InputError where it is neither."""
    if os.path.isdir(path):  # noqa: PTH112 - Path.is_dir() raises OSError for a name too long
        return _folder(path)
    try:
        return _zip(path, zipfile.ZipFile(path))
    except FileNotFoundError:
        raise InputError(f"{path}: no such file or folder") from None
    except zipfile.BadZipFile:
        raise InputError(f"{path}: not a folder and not a whole zip file (a broken download?)") from None
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}") from None
    except DAMAGE as error:
        raise InputError(f"{path}: cannot be read as a zip file: {error}") from None


def _folder(path: Path) -> Files:
    names = frozenset(p.relative_to(path).as_posix() for p in path.rglob("*") if p.is_file())
    return Files(path, names, lambda name: (path / name).read_bytes())


def _zip(path: Path, archive: zipfile.ZipFile) -> Files:
    names = frozenset(n for n in archive.namelist() if not n.endswith("/") and not n.startswith("__MACOSX/"))
    inner = [n for n in names if PurePosixPath(n).suffix == ".zip"]
    has_data = any(mark in name for mark in DATA_SETS for name in names)
    if len(inner) == 1 and not has_data:
        return _zip(path, zipfile.ZipFile(io.BytesIO(archive.read(inner[0]))))
    return Files(path, names, archive.read)
