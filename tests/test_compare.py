"""har-train compare on a few windows: the table is that of the kept fits, and no fit is done twice."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import numpy as np
import pytest

from tests.small_uci import write_small_uci
from tests.stream_process import TIMEOUT_S, command, environment
from training.cli import main

FITS = [f"seed-lstm-seed{seed}-fold{fold}of2.npz" for seed in (1, 2) for fold in (1, 2)]


def words(data: Path, out: Path, *, seeds: int = 2, epochs: int = 1, arch: str = "seed-lstm") -> list[str]:
    counts = ("--seeds", str(seeds), "--folds", "2", "--epochs", str(epochs), "--jobs", "2")
    return ["compare", "--data", str(data), "--out", str(out), "--arch", arch, *counts]


def written(out: Path) -> dict[str, int]:
    """When each fit's file was written."""
    return {path.name: path.stat().st_mtime_ns for path in sorted((out / "fits").iterdir())}


def told(out: Path) -> dict[str, Any]:
    figures = json.loads((out / "compare.json").read_text())
    assert isinstance(figures, dict)
    return figures


@pytest.fixture(scope="module")
def compared(small_uci: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("comparison") / "first"
    assert main(words(small_uci, out)) == 0
    return out


@pytest.fixture
def out(compared: Path, tmp_path: Path) -> Path:
    """The finished comparison, to be spoilt."""
    return Path(shutil.copytree(compared, tmp_path / "out"))


def test_the_table_is_that_of_the_stored_probabilities(compared: Path) -> None:
    assert list(written(compared)) == FITS
    fits = [dict(np.load(compared / "fits" / name)) for name in FITS]
    right = [fit["probabilities"].argmax(axis=1) + 1 == fit["codes"] for fit in fits]
    assert [set(fit["subject"].tolist()) for fit in fits] == [{1}, {3}, {1}, {3}]
    by_fold = np.array([one.mean() for one in right]).reshape(2, 2)  # folds are alike in size, a person each
    summed = told(compared)["architectures"]["seed-lstm"]["summary"]["windows"]
    assert summed["accuracy_mean"] == pytest.approx(by_fold.mean(), abs=1e-4)
    assert summed["accuracy_std"] == pytest.approx(np.std(by_fold.mean(axis=1), ddof=1), abs=1e-4)
    assert summed["worst_subject_mean"] == pytest.approx(by_fold.min(axis=1).mean(), abs=1e-4)
    assert summed["fold_std_mean"] == pytest.approx(by_fold.std(axis=1).mean(), abs=1e-4)
    (row,) = (line for line in (compared / "compare.md").read_text().splitlines() if line.startswith("| seed-lstm"))
    assert f"| 2 | {100 * by_fold.mean():.2f} +- " in row
    assert "| - | 17,158 |" in row


def test_a_rerun_fits_nothing(small_uci: Path, out: Path, compared: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = written(out)
    (out / "compare.json").unlink()
    assert main(words(small_uci, out)) == 0
    assert written(out) == before
    figures = told(out)
    assert figures.pop("command") != told(compared)["command"]  # it names the other folder
    assert figures == {key: value for key, value in told(compared).items() if key != "command"}
    assert "17,158" in capsys.readouterr().out


def test_a_torn_file_alone_is_refitted_and_gives_the_same(small_uci: Path, out: Path, compared: Path) -> None:
    torn = out / "fits" / FITS[1]
    torn.write_bytes(torn.read_bytes()[:-100])
    before = written(out)
    assert main(words(small_uci, out)) == 0
    assert [name for name, when in written(out).items() if when != before[name]] == [FITS[1]]
    again, first = (np.load(folder / "fits" / FITS[1])["probabilities"] for folder in (out, compared))
    assert np.array_equal(again, first)


def test_other_epochs_are_fitted_anew(small_uci: Path, out: Path) -> None:
    before = written(out)
    assert main(words(small_uci, out, seeds=1, epochs=2)) == 0
    assert [name for name, when in written(out).items() if when != before[name]] == FITS[:2]


def test_an_interrupt_tells_what_is_complete_and_loses_none_of_it(small_uci: Path, out: Path) -> None:
    before = written(out)
    process = subprocess.Popen(
        command(*words(small_uci, out, seeds=20), module="training.cli"),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment(),
        start_new_session=True,
    )
    try:
        give_up = monotonic() + TIMEOUT_S
        while written(out).keys() == before.keys() and monotonic() < give_up:
            sleep(0.05)
        os.killpg(process.pid, signal.SIGINT)  # as a terminal's Ctrl-C: the workers get it as well
        output, said = process.communicate(timeout=TIMEOUT_S)
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
    assert process.returncode == 130
    assert "Traceback" not in said.decode()
    done = told(out)["architectures"]["seed-lstm"]["seeds_complete"]
    assert 2 <= done < 20
    assert f"{done} of 20" in output.decode()
    assert "goes on where it stopped" in output.decode()
    assert {name: when for name, when in written(out).items() if name in before} == before


def test_faults_are_one_clear_line(small_uci: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    alone = write_small_uci(tmp_path / "alone", train=(1,))
    assert main(words(small_uci, tmp_path / "out", arch="seed-lsmt")) == 78
    assert "did you mean 'seed-lstm'?" in capsys.readouterr().err
    assert main(words(alone, tmp_path / "out")) == 66
    assert "at least 2" in capsys.readouterr().err
    assert main(words(small_uci, tmp_path / "out", epochs=0)) == 78
    assert not (tmp_path / "out").exists()
