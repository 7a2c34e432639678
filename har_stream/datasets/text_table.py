"""Tables of numbers as text, read fast, with the line named where one is not as it should be."""

from __future__ import annotations

import io
import warnings

import numpy as np
from numpy.typing import NDArray

from har_stream.errors import InputError
from har_stream.samples import Samples


def parse_table(data: bytes, *, columns: int, where: str) -> NDArray[np.float64]:
    """Return white-space separated numbers as (rows, columns).

    Raises InputError that names the first line with another number of values or with something not a number.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", UserWarning)  # that there is nothing in it
            table = np.loadtxt(io.BytesIO(data), ndmin=2, comments=None)
    except (ValueError, UserWarning):
        table = np.empty((0, 0))
    if table.shape[1] != columns or not len(table):
        raise InputError(_first_fault(data, columns, where))
    return table


def as_samples(table: NDArray[np.float64]) -> Samples:
    """Return values in single precision; what is too large for it becomes infinite, and the intake refuses it."""
    with np.errstate(over="ignore"):
        return table.astype(np.float32)


def _first_fault(data: bytes, columns: int, where: str) -> str:
    for number, line in enumerate(data.decode("latin-1").splitlines(), start=1):
        words = line.split()
        if words and len(words) != columns:
            return f"{where} line {number}: {len(words)} numbers, expected {columns}"
        for word in words:
            if not _is_number(word):
                return f"{where} line {number}: {word[:40]!r} is not a number"
    return f"{where}: no numbers in it"


def _is_number(word: str) -> bool:
    try:
        float(word)
    except ValueError:
        return False
    return "_" not in word
