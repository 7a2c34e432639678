"""Own recordings as a data set: training sees what the daemon makes of them, and one person is told from another."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from har_stream.datasets import Selection
from har_stream.errors import ConfigError, InputError
from har_stream.samples import Codes, SampleBlock, TimedBlock
from tests.motion import model, motion, pipeline
from tests.stream_process import run
from tests.test_record_replay import recorded, recordings, replayed
from training.chain import UCI_HAR_FRAMING
from training.labelled_windows import windows_of
from training.own_recordings import own_recordings, person_of
from training.streams import stream_of

ALL = Selection()
MINUTE = 3000


def labelled(folder: Path, device: str, *codes: int, seed: int = 1) -> None:
    """Record a person who does each activity for twenty seconds."""
    folder.mkdir(exist_ok=True)
    truth = np.repeat(np.array(codes, np.uint8), 1000)
    recordings(folder).write([[SampleBlock(device, 0, 0.0, 50.0, motion(seed, len(truth)), truth)]])


def ticks(kind: str) -> list[list[SampleBlock | TimedBlock]]:
    """A minute with labels that change, of one of several kinds of device, and a gap of a second in it."""
    rate_hz = {"uniform": 50.0, "fast": 104.0}.get(kind, 60.0)
    count = round(60 * rate_hz)
    values, times_s = motion(3, count), 5.0 + np.arange(count) / rate_hz
    times_s[count // 2 :] += 1.0
    if kind == "jitter":
        times_s += np.random.default_rng(1).uniform(-0.2, 0.2, count) / rate_hz
    truth: Codes = np.repeat(np.array([0, 1, 4, 1], np.uint8), -(-count // 4))[:count]
    found: list[list[SampleBlock | TimedBlock]] = []
    for at in range(0, count, 25):
        part = slice(at, at + 25)
        if kind == "jitter":
            found.append([TimedBlock("a", times_s[part], values[part], None, truth[part])])
        else:
            found.append([SampleBlock("a", at, float(times_s[at]), rate_hz, values[part], truth[part])])
    return found


@pytest.mark.parametrize("kind", ["uniform", "fast", "jitter"])
def test_training_sees_the_windows_and_the_truth_that_the_daemon_makes_of_a_recording(
    tmp_path: Path, kind: str
) -> None:
    path = recorded(tmp_path, ticks(kind))  # type: ignore[arg-type]  # blocks are blocks
    stream = pipeline()
    live = [found for tick in replayed(path) if (found := stream.frame(tick, 0.0)) is not None]
    pieces = own_recordings(path, ALL, UCI_HAR_FRAMING)
    assert pieces is not None
    assert len(pieces) == 2
    seen = [stream_of(piece, model()[0].filters, UCI_HAR_FRAMING) for piece in pieces]
    assert sum(map(len, (one.values for one in seen))) > 40
    assert np.array_equal(np.concatenate([one.values for one in seen]), np.concatenate([one.values for one in live]))
    assert np.array_equal(np.concatenate([one.truth for one in seen]), np.concatenate([one.truth for one in live]))
    assert [piece.start_s for piece in pieces] == pytest.approx([5.0, 36.0], abs=0.3)


def test_what_is_too_short_for_a_window_is_no_piece(tmp_path: Path) -> None:
    parts = [(0.0, 1000), (30.0, 100), (60.0, 1000)]
    truth = np.full(1000, 4, np.uint8)
    path = recorded(
        tmp_path, [[SampleBlock("a", 0, at_s, 50.0, motion(1, count), truth[:count])] for at_s, count in parts]
    )
    pieces = own_recordings(path, ALL, UCI_HAR_FRAMING)
    assert pieces is not None
    assert [(one.start_s, one.experiment, len(one.values)) for one in pieces] == [(0.0, 1, 1000), (60.0, 2, 1000)]
    assert len({one.device for one in pieces}) == 2


def test_people_are_told_apart_by_the_beginning_of_the_names(tmp_path: Path) -> None:
    for device, seed in (("zoe", 1), ("adam", 2), ("zoe", 3)):
        labelled(tmp_path, device, 1, 4, seed=seed)
    found = own_recordings(tmp_path, ALL, UCI_HAR_FRAMING)
    assert found is not None
    assert sorted((one.subject, one.device.partition("_")[0]) for one in found) == [(1, "adam"), (2, "zoe"), (2, "zoe")]
    assert sorted(one.experiment for one in found) == [1, 2, 3]
    table = windows_of(found, model()[0].filters, UCI_HAR_FRAMING)
    assert np.bincount(table.subject).tolist() == [0, 28, 56]
    assert np.unique(table.codes).tolist() == [1, 4]


@pytest.mark.parametrize(
    ("name", "person"),
    [
        ("phone_20261130T080000Z.csv.gz", "phone"),
        ("left_wrist_20261130T080000Z-12.csv", "left_wrist"),
        ("anna_monday.csv", "anna_monday"),
        ("anna_20261130.csv.gz", "anna_20261130"),
    ],
)
def test_whose_a_file_is(name: str, person: str) -> None:
    assert person_of(Path(name)) == person


def test_what_cannot_be_trained_on_is_told(tmp_path: Path) -> None:
    assert own_recordings(tmp_path, ALL, UCI_HAR_FRAMING) is None
    recordings(tmp_path).write([[SampleBlock("a", 0, 0.0, 50.0, motion(1, MINUTE))]])
    with pytest.raises(InputError, match="no sample in it is labelled"):
        own_recordings(tmp_path, ALL, UCI_HAR_FRAMING)
    labelled(tmp_path, "b", 1)
    for part in (Selection("test"), Selection("all", frozenset({1}))):
        with pytest.raises(ConfigError, match="no official split"):
            own_recordings(tmp_path, part, UCI_HAR_FRAMING)
    found = own_recordings(tmp_path, Selection("train"), UCI_HAR_FRAMING)
    assert found is not None
    assert [one.device.partition("_")[0] for one in found] == ["b"], "what nobody labelled is left out"


def test_a_model_is_fitted_on_one_person_without_folds_alone_and_its_card_says_on_what(tmp_path: Path) -> None:
    labelled(tmp_path / "one", "adam", 1, 4)
    fit = ("fit", "--arch", "seed-lstm", "--epochs", "1", "--jobs", "1", "--data")
    alone = run(*fit, str(tmp_path / "one"), "--out", str(tmp_path / "m"), module="training.cli")
    assert (alone.code, len(alone.said.splitlines())) == (os.EX_NOINPUT, 1)
    assert "--folds 0" in alone.said
    out = tmp_path / "own"
    done = run(*fit, str(tmp_path / "one"), "--out", str(out), "--folds", "0", module="training.cli")
    assert done.code == 0, done.said
    assert "no window of walking_upstairs, walking_downstairs, standing, laying in the data" in done.said
    card = (out / "README.md").read_text()
    assert "Own recordings, not published." in card
    assert "Galaxy" not in card
    assert run("--source", f"replay:{tmp_path / 'one'}?speed=max", "--model", str(out)).code == 0


def test_evaluate_and_prepare_take_a_single_recording(tmp_path: Path) -> None:
    labelled(tmp_path, "adam", 1)
    (path,) = tmp_path.iterdir()
    out = tmp_path / "windows.npz"
    assert run("prepare", "--data", str(path), "--out", str(out), module="training.cli").code == 0
    with np.load(out) as prepared:
        assert prepared["X"].shape == (14, 128, 9)
    told = run("evaluate", "--model", "sway-lstm", "--data", str(path), module="training.cli")
    assert told.code == 0, told.said
    assert '"n_windows": 14' in told.output.decode()
