"""Fits that are kept: for each fold a file with what its network said of the volunteers that it never saw.

Hours go into them, so a file is written as soon as its fit is done, and whole or not at all. It carries the key of
all that the fit depends on; a file that is torn or has another key counts as none.
"""

from __future__ import annotations

import hashlib
import io
import os
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from har_stream.activities import ACTIVITIES
from har_stream.classifier import softmax
from har_stream.samples import Codes, Samples
from har_stream.upright import turned
from training.architectures import Architecture, architecture
from training.augmentation import Rotations, calibration
from training.corpus import Corpus
from training.fit import fit, logits_of


class Key(msgspec.Struct, frozen=True):
    """All that a fit depends on; `network` and `windows` are digests, `held_out` the volunteers of the fold."""

    arch: str
    network: str
    channels: tuple[str, ...]
    recipe: dict[str, Any]
    epochs: int
    seed: int
    held_out: tuple[int, ...]
    windows: str
    calibration_samples: int
    versions: dict[str, str]


@dataclass(frozen=True, slots=True)
class LabelledWindows:
    """Windows to fit and judge, with the rotations (n, 3, 3) that calibrate them, from windows that are `used` (n,)."""

    corpus: Corpus
    rotations: Rotations
    used: NDArray[np.bool_]
    digest: str


@dataclass(frozen=True, slots=True)
class FoldOrder:
    """One fold to fit, and the file to keep it in."""

    key: Key
    windows: LabelledWindows
    path: Path


@dataclass(frozen=True, slots=True)
class KeptFit:
    """What one fold's network said of the r windows of the volunteers held out.

    rows (r,) of the table, with their true codes and subjects; probabilities (r, 6); calibrated (r, 6) of the same
    windows turned upright, (0, 6) where the network is not trained on such; used (r,) tells which windows calibrated.
    """

    rows: NDArray[np.int64]
    codes: Codes
    subject: NDArray[np.int16]
    used: NDArray[np.bool_]
    probabilities: NDArray[np.float32]
    calibrated: NDArray[np.float32]


def labelled_windows(corpus: Corpus, *, calibration_samples: int) -> LabelledWindows:
    """Return a corpus' windows with their calibration by the first samples of walking, and a digest of it all."""
    table = corpus.table
    rotations, used = calibration(table, samples=calibration_samples, window=table.values.shape[1])
    digest = hashlib.sha256()
    tracks = [column for one in corpus.tracks for column in (np.array([one.subject]), one.channels, one.truth)]
    rows = (table.values, table.codes, table.subject, table.experiment, table.start, table.continues)
    for column in (*rows, *tracks):
        digest.update(f"{column.dtype} {column.shape}".encode())
        digest.update(np.ascontiguousarray(column).data)
    return LabelledWindows(corpus, rotations, used, digest.hexdigest())


def fitted_recipe(arch: Architecture) -> dict[str, Any]:
    """Return what of a recipe shapes the weights: not its prose, nor its epochs, which an order may replace."""
    fields = msgspec.to_builtins(arch.recipe)
    return {name: value for name, value in fields.items() if name not in ("chosen", "epochs")}


def fit_fold(order: FoldOrder) -> None:
    """Fit one fold's network and keep what it says of the volunteers held out."""
    key, corpus = order.key, order.windows.corpus
    table = corpus.table
    arch, inside = architecture(key.arch), corpus.inside(key.held_out)
    model = fit(arch, corpus.without(key.held_out), seed=key.seed, epochs=key.epochs).model

    def ask(windows: Samples) -> NDArray[np.float32]:
        return softmax(logits_of(model, arch, windows))[:, : len(ACTIVITIES)]

    values = table.values[inside]
    probabilities = ask(values)
    calibrated = np.zeros((0, len(ACTIVITIES)), np.float32)
    if arch.recipe.augmentation:
        calibrated = ask(turned(values, order.windows.rotations[inside]))
    rows, used = np.flatnonzero(inside), order.windows.used[inside]
    keep(order.path, key, KeptFit(rows, table.codes[inside], table.subject[inside], used, probabilities, calibrated))


def keep(path: Path, key: Key, one: KeptFit) -> None:
    """Write a fit's file."""
    columns = {name: getattr(one, name) for name in KeptFit.__slots__}
    packed = io.BytesIO()
    np.savez_compressed(packed, key=np.array(_encoded(key)), **columns)
    write_whole(path, packed.getvalue())


def kept(path: Path, key: Key) -> KeptFit | None:
    """Return a fit; None where its file is missing, torn or of another key."""
    try:
        with zipfile.ZipFile(path) as packed:
            whole = packed.testzip() is None  # reading the arrays alone would not check all of it
        with np.load(path, allow_pickle=False) as file:
            if not whole or str(file["key"]) != _encoded(key):
                return None
            return KeptFit(*(file[name] for name in KeptFit.__slots__))
    except Exception:  # noqa: BLE001 - what zipfile, zlib and numpy raise at a damaged file has no other base class
        return None


def write_whole(path: Path, content: bytes) -> None:
    """Replace a file by another content; whatever happens, one of the two is there, and whole."""
    beside = path.with_name(path.name + ".part")
    with beside.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)  # else the new name may not outlive a power cut
    finally:
        os.close(folder)


def _encoded(key: Key) -> str:
    return msgspec.json.encode(key, order="deterministic").decode()
