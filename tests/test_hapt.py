"""HAPT: raw recordings and their labels, and every fault of a download told by file and line."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from har_stream.activities import CODE_BY_NAME
from har_stream.datasets import Hapt, LabelledSpan, Recording, Selection, open_data_set
from har_stream.errors import InputError

SAMPLES = 20
LABELS = "1 1 5 3 10\n1 1 7 11 12\n2 1 1 1 20\n3 2 6 1 5\n"
"""Experiment, user, activity, first and last sample: subject 1 trains, 2 is of the test part."""


def sensor(start: float, samples: int = SAMPLES) -> str:
    return "".join(f"{start + at / 100:.4f} 0.5 -0.25\n" for at in range(samples))


def tiny_hapt() -> dict[str, str]:
    """The files of three short recordings."""
    files = {"RawData/labels.txt": LABELS, "NOTICE.txt": "made up"}
    for number, device in enumerate(["exp01_user01", "exp02_user01", "exp03_user02"]):
        files[f"RawData/acc_{device}.txt"] = sensor(number)
        files[f"RawData/gyro_{device}.txt"] = sensor(-number)
    return files


def lay(folder: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder


def read(path: Path, selection: Selection | None = None) -> list[Recording]:
    data_set = open_data_set(path)
    assert isinstance(data_set, Hapt)
    return list(data_set.recordings(selection or Selection()))


def test_recordings_hold_both_sensors_and_the_truth(tmp_path: Path) -> None:
    first, second, third = read(lay(tmp_path, tiny_hapt()))
    assert (first.device, first.subject, first.experiment) == ("exp01_user01", 1, 1)
    assert (first.rate_hz, first.start_s, first.values.dtype.name) == (50.0, 0.0, "float32")
    assert second.values[3].tolist() == pytest.approx([1.03, 0.5, -0.25, -0.97, 0.5, -0.25])
    assert first.spans == (LabelledSpan(5, 2, 10), LabelledSpan(CODE_BY_NAME["stand_to_sit"], 10, 12))
    assert first.truth is not None
    assert first.truth.tolist() == [0] * 2 + [5] * 8 + [7] * 2 + [0] * 8
    assert (third.subject, third.experiment) == (2, 3)


@pytest.mark.parametrize(
    ("selection", "experiments"),
    [
        (Selection(), [1, 2, 3]),
        (Selection("train"), [1, 2]),
        (Selection("test"), [3]),
        (Selection("all", frozenset({2})), [3]),
    ],
)
def test_the_selection_is_by_volunteer(tmp_path: Path, selection: Selection, experiments: list[int]) -> None:
    assert [r.experiment for r in read(lay(tmp_path, tiny_hapt()), selection)] == experiments


def test_an_unknown_subject_is_told_who_is_there(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no subject 7; subjects present: 1, 2"):
        read(lay(tmp_path, tiny_hapt()), Selection("all", frozenset({7})))


@pytest.mark.parametrize("name", ["RawData/acc_exp02_user01.txt", "RawData/gyro_exp01_user01.txt"])
def test_a_file_that_was_not_extracted_is_named(tmp_path: Path, name: str) -> None:
    (lay(tmp_path, tiny_hapt()) / name).unlink()
    with pytest.raises(InputError, match=f"{name} is missing: the data set is incomplete"):
        read(tmp_path)


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"RawData/gyro_exp01_user01.txt": sensor(0, 19)}, "exp01_user01 has 20 acc and 19 gyro samples"),
        ({"RawData/acc_exp01_user01.txt": "1 2 3\n1 2\n"}, "acc_exp01_user01.txt line 2: 2 numbers, expected 3"),
        ({"RawData/acc_exp01_user01.txt": "1 2 three\n"}, "acc_exp01_user01.txt line 1: 'three' is not a number"),
        ({"RawData/acc_exp01_user01.txt": ""}, "acc_exp01_user01.txt: no numbers in it"),
        ({"RawData/labels.txt": ""}, "labels.txt: no numbers in it"),
        ({"RawData/labels.txt": "1 1 5 1\n"}, "labels.txt line 1: 4 numbers, expected 5"),
        ({"RawData/labels.txt": "1 1 5 1 21\n"}, "exp01_user01 ends at sample 20, its labels at 21"),
    ],
)
def test_a_damaged_file_is_named(tmp_path: Path, change: dict[str, str], fault: str) -> None:
    with pytest.raises(InputError, match=fault):
        read(lay(tmp_path, tiny_hapt() | change))


@pytest.mark.parametrize(
    "row",
    [
        "1 1 0 1 10",
        "1 1 13 1 10",
        "1 1 -5 1 10",
        "1 1 5 0 10",
        "1 1 5 10 9",
        "1 1 nan 1 10",
        "1 1 5 nan 10",
        "1 1 5 1 inf",
        "1 1 5 1 1e300",
        "1 1 5 1e300 1e300",
        "1 1 5.5 1 10",
        "1 1 5 1.5 10",
        "1 1 5 1 10.5",
        "1.5 1 5 1 10",
        "1 1.5 5 1 10",
        "nan 1 5 1 10",
        "1 nan 5 1 10",
        "inf 1 5 1 10",
        "1 -inf 5 1 10",
        "-1 1 5 1 10",
        "1 -1 5 1 10",
        "1e300 1 5 1 10",
    ],
)
def test_a_label_that_makes_no_sense_names_its_row(tmp_path: Path, row: str) -> None:
    files = tiny_hapt() | {"RawData/labels.txt": f"1 1 5 1 10\n{row}\n"}
    with pytest.raises(InputError, match=r"labels.txt row 2"):
        read(lay(tmp_path, files))


def test_the_real_one_holds_the_training_volunteers(hapt_zip: Path) -> None:
    (first, second) = read(hapt_zip, Selection("train", frozenset({1})))
    assert [first.device, second.device] == ["exp01_user01", "exp02_user01"]
    assert first.truth is not None
    assert len(first.values) == len(first.truth) > 10_000
    assert np.linalg.norm(first.values[:, :3], axis=1).mean() == pytest.approx(1.0, abs=0.1)
    with pytest.raises(InputError, match="nobody of split=test; subjects present: 1, 3, 5"):
        read(hapt_zip, Selection("test"))
