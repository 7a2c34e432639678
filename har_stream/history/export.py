"""The history as a table: CSV, or Parquet by pyarrow (the extra "parquet")."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from datetime import UTC, datetime
from itertools import islice
from typing import BinaryIO, Final, TextIO

from har_stream.errors import ConfigError
from har_stream.samples import MS
from har_stream.segments import Segment

COLUMNS: Final = ("device", "start", "end", "seconds", "label", "confidence")
ROWS_AT_ONCE: Final = 50_000
SECOND_DECIMALS: Final = 3
CONFIDENCE_DECIMALS: Final = 4


def write_csv(segments: Iterable[Segment], file: TextIO) -> None:
    """Write a line for each segment below a header; times are ISO 8601 in UTC, to the millisecond."""
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(COLUMNS)
    for one in segments:
        seconds, confidence = round(one.seconds, SECOND_DECIMALS), round(one.confidence, CONFIDENCE_DECIMALS)
        writer.writerow((one.device, _iso(one.start_s), _iso(one.end_s), seconds, one.label, confidence))


def _iso(seconds: float) -> str:
    return datetime.fromtimestamp(round(seconds, SECOND_DECIMALS), UTC).isoformat(timespec="milliseconds")


def check_parquet() -> None:
    """Raise ConfigError where pyarrow is missing."""
    try:
        import pyarrow as pa  # noqa: F401, PLC0415 - it need not be there
    except ImportError:
        raise ConfigError('Parquet needs pyarrow: pip install "har-stream[parquet]"') from None


def write_parquet(segments: Iterable[Segment], file: BinaryIO) -> None:
    """Write the same columns with types of their own; check_parquet() tells whether that can be."""
    import pyarrow as pa  # noqa: PLC0415 - as above
    import pyarrow.parquet as pq  # noqa: PLC0415 - as above

    text, time = pa.dictionary(pa.int32(), pa.string()), pa.timestamp("ms", tz="UTC")
    types = (text, time, time, pa.float64(), text, pa.float64())
    schema = pa.schema(list(zip(COLUMNS, types, strict=True)))
    waiting = iter(segments)
    with pq.ParquetWriter(file, schema) as writer:
        while batch := list(islice(waiting, ROWS_AT_ONCE)):
            values = zip(*map(_row, batch), strict=True)
            arrays = [pa.array(list(column)).cast(kind) for column, kind in zip(values, types, strict=True)]
            writer.write_table(pa.Table.from_arrays(arrays, schema=schema))


def _row(one: Segment) -> tuple[str, int, int, float, str, float]:
    return one.device, round(one.start_s * MS), round(one.end_s * MS), one.seconds, one.label, one.confidence
