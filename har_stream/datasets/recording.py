"""har-stream's own recordings: .csv or .csv.gz with a header, told apart from other files by content.

    time_s,acc_x_g,acc_y_g,acc_z_g,gyro_x_rads,gyro_y_rads,gyro_z_rads[,label]

The file's stem is the device id, _ in place of what an id may not hold. A label is a name of
har_stream.activities, or empty. Times need not be uniform nor in order. What a crash tore off at the end is left out.
"""

from __future__ import annotations

import csv
import io
import logging
import os
import re
from array import array
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from har_stream.activities import CODE_BY_NAME, UNLABELLED
from har_stream.datasets.recording_times import median_rate, uniform_rate
from har_stream.datasets.text_table import as_samples
from har_stream.datasets.torn import read_text
from har_stream.datasets.types import LabelledSpan, Recording
from har_stream.errors import InputError, nearest
from har_stream.samples import Codes, Samples

if TYPE_CHECKING:
    from _csv import Reader as CsvReader

HEADER: Final = ["time_s", "acc_x_g", "acc_y_g", "acc_z_g", "gyro_x_rads", "gyro_y_rads", "gyro_z_rads"]
LABEL: Final = "label"
NAMES: Final = (".csv", ".csv.gz")
LONGEST_ID: Final = 64
BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"
LATEST_S: Final = 1e12
SLOWEST_HZ: Final = 1e-3
FASTEST_HZ: Final = 1e6

log = logging.getLogger(__name__)


def is_recording(path: Path) -> bool:
    """Tell a recording by its first bytes, gzipped or not, or a file that by its name means to be one."""
    try:
        is_file = os.path.isfile(path)  # noqa: PTH113 - Path.is_file() raises OSError for a name too long
        head = ",".join(HEADER).encode()
        return is_file and (
            path.name.endswith(NAMES) or read_text(path)[0].removeprefix(BYTE_ORDER_MARK).startswith(head)
        )
    except InputError:
        return False


def recordings_in(folder: Path) -> list[Path]:
    """Return the recordings of a folder that by their names holds nothing else, else none. Raises InputError."""
    if not os.path.isdir(folder):  # noqa: PTH112 - Path.is_dir() raises OSError for a name too long
        return []
    try:
        paths = sorted(path for path in folder.iterdir() if not path.name.startswith("."))
    except OSError as error:
        raise InputError(f"{folder}: {error.strerror}") from None
    return paths if all(path.is_file() and path.name.endswith(NAMES) for path in paths) else []


def read_recording(path: Path, convert: Callable[[NDArray[np.float64]], Samples] = as_samples) -> Recording:
    """Read a recording, whose columns convert (n, 6) brings to g and rad/s.

    Raises InputError that names the line where it is not a recording. A torn end is left out, with a warning.
    """
    data, torn = read_text(path)
    text = io.TextIOWrapper(io.BytesIO(data), encoding="utf-8-sig", newline="\n")
    lines = csv.reader(text)
    try:
        numbers, codes, labelled, cut = _parse(path, lines, whole=not data or data.endswith(b"\n"))
    except csv.Error as error:
        raise InputError(f"{path} line {lines.line_num}: {error}") from None
    except UnicodeDecodeError:
        raise InputError(f"{path}: not a recording: neither whole gzip nor UTF-8 text") from None
    if torn or cut:
        log.warning("%s: its end is torn off; %d whole samples are read", path, len(codes))
    if not len(codes):
        raise InputError(f"{path}: no samples in it")
    return _recording(path, numbers, codes if labelled else None, convert)


def _parse(path: Path, lines: CsvReader, *, whole: bool) -> tuple[NDArray[np.float64], Codes, bool, bool]:
    """Return rows (n, 7), codes (n,), whether there are labels, and whether the last line had to be left out."""
    header = next(lines, [])
    if header not in (HEADER, [*HEADER, LABEL]):
        raise InputError(f"{path} line 1: expected the header {','.join(HEADER)}[,{LABEL}]")
    numbers, codes, cut = array("d"), bytearray(), False
    for fields in lines:
        if not fields:
            continue
        try:
            row, code = _row(fields, len(header), f"{path} line {lines.line_num}")
        except InputError:
            if whole or next(lines, None) is not None:
                raise
            cut = True
            break
        numbers.extend(row)
        codes.append(code)
    return np.array(numbers).reshape(-1, len(HEADER)), np.array(codes, np.uint8), LABEL in header, cut


def _recording(
    path: Path, rows: NDArray[np.float64], truth: Codes | None, convert: Callable[[NDArray[np.float64]], Samples]
) -> Recording:
    times_s = np.ascontiguousarray(rows[:, 0])
    rate_hz, uniform = _rate(times_s, path)
    return Recording(
        device_id(path),
        0,
        0,
        rate_hz,
        float(times_s[0]),
        convert(rows[:, 1:]),
        truth,
        spans_of(truth),
        None if uniform else times_s,
    )


def device_id(path: Path) -> str:
    """Return the lawful id nearest to a recording's stem: what an id may not hold becomes _."""
    stem = path.name.removesuffix(".gz").removesuffix(".csv")
    return re.sub(r"[^A-Za-z0-9_-]", "_", stem)[:LONGEST_ID] or "recording"


def spans_of(truth: Codes | None) -> tuple[LabelledSpan, ...]:
    """Return the runs of equal labels, the unlabelled ones left out."""
    if truth is None:
        return ()
    edges = np.flatnonzero(np.diff(truth)) + 1
    starts, stops = [0, *edges.tolist()], [*edges.tolist(), len(truth)]
    spans = (LabelledSpan(int(truth[start]), start, stop) for start, stop in zip(starts, stops, strict=True))
    return tuple(span for span in spans if span.code != UNLABELLED)


def _row(fields: list[str], columns: int, where: str) -> tuple[list[float], int]:
    if len(fields) != columns:
        raise InputError(f"{where}: {len(fields)} fields, expected {columns}")
    try:
        numbers = [float(field) for field in fields[: len(HEADER)]]
    except ValueError as error:
        raise InputError(f"{where}: {error}") from None
    name = fields[len(HEADER)] if columns > len(HEADER) else ""
    if name and name not in CODE_BY_NAME:
        raise InputError(f"{where}: unknown label {name[:40]!r}{nearest(name, CODE_BY_NAME)}")
    return numbers, CODE_BY_NAME.get(name, UNLABELLED)


def _rate(times_s: NDArray[np.float64], path: Path) -> tuple[float, bool]:
    """Return the sampling rate, and whether times are uniform at it. Raises InputError where nothing tells a rate."""
    if len(times_s) == 1:
        raise InputError(f"{path}: one sample alone has no sampling rate")
    unlawful = np.flatnonzero(~(np.abs(times_s) <= LATEST_S))
    if len(unlawful):
        raise InputError(f"{path}: sample {int(unlawful[0])} has no lawful time: {times_s[unlawful[0]]:g} s")
    uniform_hz = uniform_rate(times_s)
    rate_hz = uniform_hz or median_rate(times_s)
    if rate_hz is None:
        raise InputError(f"{path}: no sampling rate: its times never go forward")
    if not SLOWEST_HZ <= rate_hz <= FASTEST_HZ:
        raise InputError(f"{path}: no sampling rate: {1 / rate_hz:g} s from sample to sample")
    return rate_hz, uniform_hz is not None
