"""har-stream history export, history erase and report: what they do, once the command line is understood."""

from __future__ import annotations

import argparse
import os
import sqlite3
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import BinaryIO, Final

from har_stream.day_report import report
from har_stream.errors import ConfigError, nearest
from har_stream.history.export import check_parquet, write_csv, write_parquet
from har_stream.history.schema import check
from har_stream.history.store import History, HistoryError, Store
from har_stream.segments import Segment
from har_stream.settings import Settings
from har_stream.sinks import history_file
from har_stream.when import parse_period, parse_time

OWNER_ONLY: Final = 0o600
MOST_NAMED: Final = 10
"""Devices that a fault lists."""


def export(arguments: argparse.Namespace, settings: Settings) -> int:
    """Write the history as a table to a file or standard output."""
    begin_s = float("-inf") if arguments.begin is None else parse_time(arguments.begin)
    end_s = float("inf") if arguments.end is None else parse_time(arguments.end)
    with History(_path(arguments, settings)) as history:
        if arguments.device is not None:
            _check_known(history, arguments.device)
        segments = history.segments(arguments.device, start_s=begin_s, end_s=end_s)
        if arguments.format == "parquet":
            _export_parquet(segments, arguments.output)
        elif arguments.output is None:
            write_csv(segments, sys.stdout)
        else:
            with _private(arguments.output) as file, open(file.fileno(), "w", encoding="utf-8", closefd=False) as text:
                write_csv(segments, text)
    return os.EX_OK


def _export_parquet(segments: Iterator[Segment], output: Path | None) -> None:
    if output is None and sys.stdout.isatty():
        raise ConfigError("Parquet is not for a terminal: give --output FILE")
    check_parquet()
    if output is None:
        write_parquet(segments, sys.stdout.buffer)
        return
    with _private(output) as file:
        write_parquet(segments, file)


def erase(arguments: argparse.Namespace, settings: Settings) -> int:
    """Delete all of a device."""
    path = _path(arguments, settings)
    with History(path) as history:
        _check_known(history, arguments.device)
    check(path)
    try:
        with closing(Store(path)) as store:
            count = store.erase(arguments.device)
    except (OSError, sqlite3.Error) as error:
        raise HistoryError(f"history:{path}: {error}") from None
    print(f"erased {arguments.device}: {count} segments")  # noqa: T201 - a command prints its answer
    return os.EX_OK


def show_report(arguments: argparse.Namespace, settings: Settings) -> int:
    """Tell what a day was made of."""
    now_s = time.time()
    period = parse_period(arguments.day, arguments.begin, arguments.end, now_s)
    with History(_path(arguments, settings)) as history:
        device = _device(history, arguments.device)
        # A recording that ran faster than life has its own future.
        period = period.until(max(now_s, *(one.end_s for one in history.devices() if one.device == device)))
        told = report(
            device,
            history.segments(device, start_s=period.start_s, end_s=period.end_s),
            *(period.start_s, period.end_s),
        )
    if arguments.html is not None:
        from har_stream.report.html import page  # noqa: PLC0415 - loaded only where it is needed

        _write(arguments.html, page(told).encode())
    elif arguments.png is not None:
        from har_stream.report.png import picture  # noqa: PLC0415 - as above

        _write(arguments.png, picture(told))
    else:
        from rich.console import Console  # noqa: PLC0415 - as above

        from har_stream.report.terminal import show  # noqa: PLC0415 - as above

        show(told, Console(highlight=False))
    return os.EX_OK


def _path(arguments: argparse.Namespace, settings: Settings) -> Path:
    path: Path | None = arguments.history or history_file(settings.sinks)
    if path is None:
        raise ConfigError("which history? give --history FILE, or a configuration with a sink history:FILE")
    return path.expanduser()


def _device(history: History, asked: str | None) -> str:
    """Return the device that is asked for, or the only one."""
    if asked is not None:
        _check_known(history, asked)
        return asked
    known = [one.device for one in history.devices()]
    if not known:
        raise ConfigError("the history is empty")
    if len(known) > 1:
        rest = f" and {len(known) - MOST_NAMED} more" if len(known) > MOST_NAMED else ""
        raise ConfigError(f"which device? --device one of {', '.join(known[:MOST_NAMED])}{rest}")
    return known[0]


def _check_known(history: History, device: str) -> None:
    known = [one.device for one in history.devices()]
    if device not in known:
        raise ConfigError(f"the history knows no device {device!r}{nearest(device, known[:MOST_NAMED])}")


def _write(path: Path, data: bytes) -> None:
    with _private(path) as file:
        file.write(data)


@contextmanager
def _private(path: Path) -> Iterator[BinaryIO]:
    """Open a file to write, anew and for its owner alone: it is health data."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, OWNER_ONLY)
    with os.fdopen(descriptor, "wb") as file:
        yield file
