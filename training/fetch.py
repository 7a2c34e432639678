"""Fetch a data set: download its archive, check it, and only then give it its name.

What training.archives says of the archive's SHA-256 is the last word, whichever server it came from. A file that is not
as published is set aside under another name and never taken for the data set.
"""

from __future__ import annotations

import hashlib
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

from har_stream.errors import InputError, UnavailableError
from training.archives import Archive
from training.download import Show, download, forget


def fetch(archive: Archive, folder: Path, url: str | None = None) -> tuple[Path, bool]:
    """Return where the archive lies in `folder`, and whether it had to be downloaded.

    `url` stands in for the archive's own address. Raises UnavailableError where the network or the server is away,
    telling how to do without; InputError where a file is not as published; ConfigError for a wrong address.
    """
    path = folder / archive.file_name
    if path.exists():
        _check(archive, path, "move it away, or choose another --out")
        return path, False
    folder.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + ".part")
    try:
        with _bar(archive) as show:
            download(url or archive.url, part, show, archive.length)
    except UnavailableError as error:
        raise UnavailableError(f"{error}. {_by_hand(archive, path)}") from None
    _accept(archive, part, path)
    return path, True


def _accept(archive: Archive, part: Path, path: Path) -> None:
    aside = path.with_name(path.name + ".refused")
    part.replace(aside)
    forget(part)
    _check(archive, aside, "it was changed on its way, or the server has another one now")
    aside.replace(path)


def _check(archive: Archive, path: Path, advice: str) -> None:
    """Raise InputError, with advice, where a file is none of the published forms of the archive."""
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    if digest not in archive.length_by_sha256:
        kind = f"SHA-256 {digest}" if zipfile.is_zipfile(path) else "no whole zip file"
        raise InputError(f"{path}: not {archive.title} as published ({kind}, {path.stat().st_size} bytes): {advice}")


def _by_hand(archive: Archive, path: Path) -> str:
    return (
        f"Without a network here: open {archive.page} in a browser elsewhere, press Download, "
        f"put the .zip here as {path} and run the same command again, which then checks it"
    )


@contextmanager
def _bar(archive: Archive) -> Iterator[Show]:
    """Draw a progress bar on stderr, if that is a terminal."""
    console = Console(stderr=True)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task(archive.title, total=archive.length)
        yield lambda arrived: progress.update(task, completed=arrived)
