"""A file that is whole or not there at all, whenever the power goes; one that cannot be read is set aside.

Written beside its place, synced and moved there; readable by its owner alone, for it tells about a body.
"""

from __future__ import annotations

import errno
import logging
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, Generic, TypeVar

from har_stream.bounded_file import read_bounded
from har_stream.state import UnreadableStateError

OWNER_ONLY: Final = 0o600
MOST_BYTES: Final = 256 << 20
"""Of a file that is read: many times what 10,000 devices need. A longer one is not ours."""

log = logging.getLogger(__name__)

T = TypeVar("T")


class KeptFile(Generic[T]):
    """A value in a file: `encode` gives its bytes, `decode` reads them or raises UnreadableStateError."""

    def __init__(self, path: Path, empty: T, *, encode: Callable[[T], bytes], decode: Callable[[bytes], T]) -> None:
        self.path = path
        self._value = self._empty = empty
        self._encode, self._decode = encode, decode
        self._signature: tuple[int, int, int] | None = None

    def read(self) -> T:
        """Return what the file holds now; raises OSError. Parsed only if somebody else wrote it."""
        signature = self._look()
        if signature != self._signature:
            self._value = self._empty if signature is None else self._parse()
            self._signature = self._look()
        return self._value

    def write(self, value: T) -> None:
        """Put a value in the place of what the file holds; raises OSError and leaves the file as it was."""
        new = self.path.with_name(f"{self.path.name}.new")
        with opened(new, os.O_WRONLY | os.O_TRUNC) as descriptor, open(descriptor, "wb", closefd=False) as file:
            os.fchmod(descriptor, OWNER_ONLY)
            file.write(self._encode(value))
            file.flush()
            os.fsync(descriptor)
        new.replace(self.path)
        folder = os.open(self.path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
        self._value, self._signature = value, self._look()

    def _look(self) -> tuple[int, int, int] | None:
        try:
            found = self.path.stat()
        except FileNotFoundError:
            return None
        return found.st_ino, found.st_mtime_ns, found.st_size

    def _parse(self) -> T:
        try:
            return self._decode(self._bytes())
        except UnreadableStateError as error:
            aside = self.path.with_name(f"{self.path.name}.{error.kind}")
            self.path.replace(aside)
            log.warning("%s: %s; set aside as %s, begun anew", self.path, error, aside.name)
            return self._empty

    def _bytes(self) -> bytes:
        try:
            return read_bounded(self.path, MOST_BYTES)
        except OSError as error:
            if error.errno == errno.EFBIG:
                raise UnreadableStateError("damaged", f"longer than {MOST_BYTES >> 20} MiB") from None
            raise


@contextmanager
def opened(path: Path, flags: int) -> Iterator[int]:
    """Open a file for its owner alone, made if need be, and close it in the end; raises OSError."""
    descriptor = os.open(path, flags | os.O_CREAT | os.O_CLOEXEC, OWNER_ONLY)
    try:
        yield descriptor
    finally:
        os.close(descriptor)
