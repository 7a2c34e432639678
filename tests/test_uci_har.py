"""UCI HAR: windows that stitch back to the recording, and every fault told by file and line."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from har_stream.datasets import Selection, UciHar, WindowTable, open_data_set
from har_stream.datasets.uci_har import HOP, WINDOW
from har_stream.errors import InputError
from har_stream.manifest import CHANNELS
from tests.test_hapt import lay

SUBJECTS = {"train": [1, 1, 1, 3, 3], "test": [2, 2]}
STARTS = {"train": [0, 64, 192, 0, 64], "test": [0, 64]}
"""First sample of each window: subject 1's third follows its second with a break, the others by a hop."""
CODES = {"train": [1, 2, 3, 4, 5], "test": [6, 1]}


def rows(part: str, channel: int) -> str:
    """Windows whose values tell subject, channel and sample."""
    lines = (
        " ".join(f"{subject * 1000 + channel * 100_000 + start + at}" for at in range(WINDOW))
        for subject, start in zip(SUBJECTS[part], STARTS[part], strict=True)
    )
    return "\n".join(lines) + "\n"


def column(numbers: list[int]) -> str:
    return "".join(f"{number}\n" for number in numbers)


def tiny_uci() -> dict[str, str]:
    """The files of seven windows of three volunteers."""
    files = {}
    for part in ("train", "test"):
        files[f"{part}/y_{part}.txt"] = column(CODES[part])
        files[f"{part}/subject_{part}.txt"] = column(SUBJECTS[part])
        for number, channel in enumerate(CHANNELS):
            files[f"{part}/Inertial Signals/{channel}_{part}.txt"] = rows(part, number)
    return files


def read(path: Path, selection: Selection | None = None) -> WindowTable:
    data_set = open_data_set(path)
    assert isinstance(data_set, UciHar)
    return data_set.windows(selection or Selection())


def test_rows_that_share_a_half_stitch_to_the_recording(tmp_path: Path) -> None:
    windows = read(lay(tmp_path, tiny_uci()))
    assert windows.values.shape == (7, WINDOW, len(CHANNELS))
    assert windows.codes.tolist() == [1, 2, 3, 4, 5, 6, 1]
    assert windows.subject.tolist() == [1, 1, 1, 3, 3, 2, 2]
    assert windows.continues.tolist() == [False, True, False, False, True, False, True]
    assert windows.start.tolist() == [0, HOP, HOP + WINDOW, 0, HOP, 0, HOP]
    assert windows.values[4, 5].tolist() == [3000 + 64 + 5 + 100_000 * n for n in range(len(CHANNELS))]


def test_equal_halves_of_two_volunteers_do_not_stitch(tmp_path: Path) -> None:
    files = tiny_uci() | {"test/subject_test.txt": column([2, 4])}
    windows = read(lay(tmp_path, files), Selection("test"))
    assert windows.continues.tolist() == [False, False]
    assert windows.start.tolist() == [0, 0]


@pytest.mark.parametrize("channel", [CHANNELS[0], CHANNELS[8]])
def test_halves_that_differ_on_one_channel_do_not_stitch(tmp_path: Path, channel: str) -> None:
    name = f"test/Inertial Signals/{channel}_test.txt"
    files = tiny_uci()
    files[name] = files[name].replace("\n", "9\n", 1)
    assert read(lay(tmp_path, files), Selection("test")).continues.tolist() == [False, False]


@pytest.mark.parametrize(
    ("selection", "subjects"),
    [
        (Selection("train"), [1, 1, 1, 3, 3]),
        (Selection("test"), [2, 2]),
        (Selection("all", frozenset({2, 3})), [3, 3, 2, 2]),
    ],
)
def test_the_selection_is_by_folder_and_volunteer(tmp_path: Path, selection: Selection, subjects: list[int]) -> None:
    assert read(lay(tmp_path, tiny_uci()), selection).subject.tolist() == subjects


def test_an_unknown_subject_is_told_who_is_there(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no subject 2; subjects present: 1, 3"):
        read(lay(tmp_path, tiny_uci()), Selection("train", frozenset({2})))


@pytest.mark.parametrize(
    "name", ["train/y_train.txt", "test/subject_test.txt", "train/Inertial Signals/body_gyro_y_train.txt"]
)
def test_a_file_that_was_not_extracted_is_named(tmp_path: Path, name: str) -> None:
    (lay(tmp_path, tiny_uci()) / name).unlink()
    with pytest.raises(InputError, match=f"{name} is missing: the data set is incomplete"):
        read(tmp_path)


ACC_Z = "test/Inertial Signals/total_acc_z_test.txt"
FULL = " ".join(["1"] * WINDOW) + "\n"


@pytest.mark.parametrize(
    ("name", "text", "fault"),
    [
        (ACC_Z, FULL + FULL[2:], "line 2: 127 numbers, expected 128"),
        (ACC_Z, FULL + FULL[2:-1] + " one\n", "line 2: 'one' is not a number"),
        (ACC_Z, FULL, "has 1 rows, y_test.txt 2"),
        (ACC_Z, "", "no numbers in it"),
        ("test/subject_test.txt", "2\n", "has 1 rows, y_test.txt 2"),
        ("test/subject_test.txt", "2\nnan\n", "subject"),
        ("test/subject_test.txt", "2\n1.5\n", "subject"),
        ("test/subject_test.txt", "2\ninf\n", "subject"),
        ("test/subject_test.txt", "2\n65538\n", "subject"),
        ("test/subject_test.txt", "2\n-2\n", "subject"),
        ("test/y_test.txt", "6\n7\n", "labels that are not 1..6"),
        ("test/y_test.txt", "6\n0\n", "labels that are not 1..6"),
        ("test/y_test.txt", "6\n1.5\n", "labels that are not 1..6"),
        ("test/y_test.txt", "6\nnan\n", "labels that are not 1..6"),
        ("test/y_test.txt", "6\n1 1\n", "line 2: 2 numbers, expected 1"),
    ],
)
def test_a_damaged_file_is_named_with_what_ails_it(tmp_path: Path, name: str, text: str, fault: str) -> None:
    with pytest.raises(InputError, match=f"{name}.*{fault}"):
        read(lay(tmp_path, tiny_uci() | {name: text}))


def test_the_real_one_stitches_for_the_most_part(uci_zip: Path) -> None:
    windows = read(uci_zip, Selection("test"))
    assert len(windows.codes) == len(windows.values) > 100
    assert 0.8 < windows.continues.mean() < 1.0
    followers = np.flatnonzero(windows.continues)
    assert (windows.values[followers, :HOP] == windows.values[followers - 1, HOP:]).all()
    assert (windows.start[followers] - windows.start[followers - 1] == HOP).all()
