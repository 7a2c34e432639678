"""har-train prepare: the labelled windows of a data set as one .npz for other people's tools."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from har_stream.datasets import Selection, WindowTable
from har_stream.errors import InputError
from har_stream.manifest import InitialState
from training.chain import UCI_HAR_FRAMING, uci_har_filters
from training.labelled_windows import read_windows


def prepare(data: Path, out: Path, selection: Selection, initial_state: InitialState) -> WindowTable:
    """Write X (n, 128, 9) float32, y, subject, experiment, start (n,). Raises InputError.

    The filters' initial state zero gives UCI HAR's own rows; rows of UCI HAR itself are copied, with
    experiment 0 and start counted in the stream that they stitch to.
    """
    table = read_windows(data, selection, uci_har_filters(initial_state), UCI_HAR_FRAMING)
    try:
        with out.open("wb") as file:
            np.savez_compressed(
                file,
                X=table.values,
                y=table.codes,
                subject=table.subject,
                experiment=table.experiment,
                start=table.start,
            )
    except OSError as error:
        raise InputError(f"{out}: {error.strerror}") from None
    return table
