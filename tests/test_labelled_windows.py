"""Labelled windows to train on: a value that is no number is named by its place, whatever reads it."""

from __future__ import annotations

from pathlib import Path

import pytest

from har_stream.datasets import Selection
from har_stream.errors import InputError
from tests.small_uci import write_small_uci
from tests.test_hapt import lay, tiny_hapt
from training.chain import UCI_HAR_FRAMING, uci_har_filters
from training.labelled_windows import read_recordings, read_windows


@pytest.mark.parametrize("value", ["nan", "inf", "1e39"])
def test_a_window_of_uci_har_that_is_not_finite_is_named(tmp_path: Path, value: str) -> None:
    table = write_small_uci(tmp_path) / "train/Inertial Signals/body_gyro_x_train.txt"
    lines = table.read_text().splitlines()
    lines[32] = " ".join([*lines[32].split()[:-1], value])
    table.write_text("\n".join(lines))
    with pytest.raises(InputError, match="body_gyro_x, volunteer 3: window 3 is not finite"):
        read_windows(tmp_path, Selection(), uci_har_filters(), UCI_HAR_FRAMING)


def test_a_sample_of_hapt_that_is_not_finite_is_named_by_each_that_reads_it(tmp_path: Path) -> None:
    files = tiny_hapt()
    name = "RawData/gyro_exp02_user01.txt"
    lines = files[name].splitlines()
    lay(tmp_path, {**files, name: "\n".join([*lines[:6], "0.1 nan 0.1", *lines[7:]])})
    told = "exp02_user01: sample 7 is not finite"
    with pytest.raises(InputError, match=told):
        read_recordings(tmp_path, Selection(), UCI_HAR_FRAMING)
    with pytest.raises(InputError, match=told):
        read_windows(tmp_path, Selection(), uci_har_filters(), UCI_HAR_FRAMING)
