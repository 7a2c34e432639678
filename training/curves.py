"""Training curves: what each epoch of each fit reached, in curves.json beside the manifest."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Final

import msgspec

from har_stream.errors import ConfigError
from training.fit import Epoch

CURVES: Final = "curves.json"
DIGITS: Final = 5


class Curve(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """One fit, a value an epoch (None where it was not finite).

    loss and accuracy are those of the training windows; held_out_accuracy that of the volunteers `held_out`, for
    looking only: nothing is selected by it.
    """

    loss: list[float | None]
    accuracy: list[float | None]
    held_out_accuracy: list[float | None] = []
    held_out: list[int] = []


class Curves(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The final fit, and each fold that was finished."""

    final: Curve
    folds: list[Curve]


def curve_of(epochs: Iterable[Epoch], held_out: Iterable[int] = ()) -> Curve:
    """Return the curve of a fit."""
    rows = [(one.loss, one.accuracy, one.held_out_accuracy) for one in epochs]
    loss, accuracy, reached = (
        [round(v, DIGITS) for v in column if v is not None] for column in zip(*rows, strict=True)
    )
    return Curve(list(loss), list(accuracy), list(reached), list(held_out))


def write_curves(curves: Curves, folder: Path) -> None:
    """Write curves.json; what is not finite becomes null."""
    encoded = msgspec.json.format(msgspec.json.encode(curves), indent=2)
    (folder / CURVES).write_bytes(encoded + b"\n")


def read_curves(folder: Path) -> Curves | None:
    """Return a model folder's curves, None where it has none. Raises ConfigError where they are damaged."""
    path = folder / CURVES
    if not path.exists():
        return None
    try:
        return msgspec.json.decode(path.read_bytes(), type=Curves)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ConfigError(f"{path}: no training curves: {error}") from None
