"""har-stream's own recordings: .csv or .csv.gz with a header, told apart from other files by content.

    time_s,acc_x_g,acc_y_g,acc_z_g,gyro_x_rads,gyro_y_rads,gyro_z_rads[,label]

The file's stem is the device id, _ in place of what an id may not hold. A label is a name of
har_stream.activities, or empty.
"""

from __future__ import annotations

import csv
import gzip
import io
import os
import re
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from har_stream.activities import CODE_BY_NAME, UNLABELLED
from har_stream.datasets.text_table import as_samples
from har_stream.datasets.types import LabelledSpan, Recording
from har_stream.errors import InputError, nearest
from har_stream.samples import Codes

if TYPE_CHECKING:
    from _csv import Reader as CsvReader

HEADER: Final = ["time_s", "acc_x_g", "acc_y_g", "acc_z_g", "gyro_x_rads", "gyro_y_rads", "gyro_z_rads"]
LABEL: Final = "label"
NAMES: Final = (".csv", ".csv.gz")
LONGEST_ID: Final = 64
GZIP_MAGIC: Final = b"\x1f\x8b"
LATEST_S: Final = 1e12
FASTEST_HZ: Final = 1e6
TIME_TOLERANCE: Final = 0.1
"""How far a sample may stand from the uniform grid, in sampling intervals."""


def is_recording(path: Path) -> bool:
    """Tell a recording by its first bytes, gzipped or not, or a file that by its name means to be one."""
    try:
        is_file = os.path.isfile(path)  # noqa: PTH113 - Path.is_file() raises OSError for a name too long
        return is_file and (path.name.endswith(NAMES) or _text(path).startswith(",".join(HEADER)))
    except InputError:
        return False


def read_recording(path: Path) -> Recording:
    """Read a recording. Raises InputError that names the line where it is not one."""
    lines = csv.reader(io.StringIO(_text(path)))
    try:
        return _parse(path, lines)
    except csv.Error as error:
        raise InputError(f"{path} line {lines.line_num}: {error}") from None


def _parse(path: Path, lines: CsvReader) -> Recording:
    header = next(lines, [])
    if header not in (HEADER, [*HEADER, LABEL]):
        raise InputError(f"{path} line 1: expected the header {','.join(HEADER)}[,{LABEL}]")
    rows = [_row(fields, len(header), f"{path} line {lines.line_num}") for fields in lines if fields]
    if not rows:
        raise InputError(f"{path}: no samples in it")
    table = np.array([numbers for numbers, _ in rows])
    truth = np.array([code for _, code in rows], np.uint8) if LABEL in header else None
    device = device_id(path)
    rate_hz = _rate(table[:, 0], path)
    values = as_samples(table[:, 1:])
    return Recording(device, 0, 0, rate_hz, float(table[0, 0]), values, truth, spans_of(truth))


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


def _text(path: Path) -> str:
    try:
        data = path.read_bytes()
        return (gzip.decompress(data) if data.startswith(GZIP_MAGIC) else data).decode("utf-8-sig")
    except OSError as error:
        raise InputError(f"{path}: {error.strerror or error}") from None
    except (EOFError, zlib.error, ValueError):
        raise InputError(f"{path}: not a recording: neither whole gzip nor UTF-8 text") from None


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


def _rate(times_s: np.ndarray[tuple[int], np.dtype[np.float64]], path: Path) -> float:
    """Return the sampling rate of a uniform recording. Raises InputError where its times are not uniform."""
    if len(times_s) == 1:
        raise InputError(f"{path}: one sample alone has no sampling rate")
    if not np.isfinite(times_s).all() or np.abs(times_s).max() > LATEST_S:
        raise InputError(f"{path}: times are not uniform from sample 1 on")
    interval_s = float(times_s[-1] - times_s[0]) / (len(times_s) - 1)
    grid_s = times_s[0] + np.arange(len(times_s)) * interval_s
    off = np.flatnonzero(~(np.abs(times_s - grid_s) <= TIME_TOLERANCE * interval_s))
    if interval_s <= 0 or len(off):
        raise InputError(f"{path}: times are not uniform from sample {int(off[0]) + 1 if len(off) else 1} on")
    rate_hz = round(1 / interval_s, 3)
    if not 0 < rate_hz < FASTEST_HZ:
        raise InputError(f"{path}: no sampling rate: {interval_s:g} s from sample to sample")
    return rate_hz
