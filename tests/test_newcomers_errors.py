"""What a newcomer gets wrong: one clear line, the right exit code, no traceback."""

from __future__ import annotations

import os
import shutil
import zipfile
from pathlib import Path

import pytest

from har_stream.manifest import resolve
from tests.stream_process import run


def uci_folder(root: Path, *, numbers: int) -> Path:
    """A UCI HAR folder of two rows; the second row of one file has `numbers` values."""
    for part in ("train", "test"):
        signals = root / part / "Inertial Signals"
        signals.mkdir(parents=True)
        for channel in ("body_acc", "body_gyro", "total_acc"):
            for axis in "xyz":
                (signals / f"{channel}_{axis}_{part}.txt").write_text(("0.1 " * 128 + "\n") * 2)
        (root / part / f"y_{part}.txt").write_text("1\n2\n")
        (root / part / f"subject_{part}.txt").write_text("1\n1\n")
    broken = root / "train" / "Inertial Signals" / "body_gyro_y_train.txt"
    broken.write_text("0.1 " * 128 + "\n" + "0.1 " * numbers + "\n")
    return root


def fault(code: int, *words: str, **environment: str) -> str:
    """Run har-stream, which must fail with `code` and one line; return the line."""
    ended = run(*words, **environment)
    assert ended.code == code, ended.said
    assert ended.output == b""
    lines = ended.said.splitlines()
    assert len(lines) == 1, ended.said
    assert lines[0].startswith("har-stream: ")
    return lines[0]


def test_a_path_that_does_not_exist() -> None:
    assert "/nowhere/at/all: no such file or folder" in fault(os.EX_NOINPUT, "--source", "replay:/nowhere/at/all")


def test_a_folder_that_is_no_data_set(tmp_path: Path) -> None:
    line = fault(os.EX_NOINPUT, "--source", f"replay:{tmp_path}")
    assert "RawData/labels.txt" in line
    assert "Inertial Signals" in line


def test_a_zip_cut_short(tmp_path: Path) -> None:
    whole, short = tmp_path / "whole.zip", tmp_path / "short.zip"
    with zipfile.ZipFile(whole, "w") as archive:
        archive.writestr("RawData/labels.txt", "1 1 5 1 10\n" * 500)
    short.write_bytes(whole.read_bytes()[:3000])
    assert "not a whole zip" in fault(os.EX_NOINPUT, "--source", f"replay:{short}")


def test_a_half_extracted_data_set(tmp_path: Path) -> None:
    root = uci_folder(tmp_path, numbers=128)
    (root / "test" / "Inertial Signals" / "total_acc_z_test.txt").unlink()
    line = fault(os.EX_NOINPUT, "--source", f"replay:{root}?speed=max")
    assert "test/Inertial Signals/total_acc_z_test.txt is missing" in line


def test_a_row_with_127_numbers(tmp_path: Path) -> None:
    line = fault(os.EX_NOINPUT, "--source", f"replay:{uci_folder(tmp_path, numbers=127)}?speed=max")
    assert "body_gyro_y_train.txt line 2: 127 numbers, expected 128" in line


def test_an_unknown_model() -> None:
    line = fault(os.EX_CONFIG, "--source", "sim:", "--model", "seed-lsmt")
    assert "did you mean 'seed-lstm'?" in line


def test_an_unknown_key(tmp_path: Path) -> None:
    config = tmp_path / "config.toml"
    config.write_text('sorce = "sim:"\n')
    assert "unknown key 'sorce' (did you mean 'source'?)" in fault(os.EX_CONFIG, "--config", str(config))


def test_an_unknown_variable() -> None:
    line = fault(os.EX_CONFIG, "--source", "sim:", HAR_STREAM_MODLE="seed-lstm")
    assert "did you mean 'model'?" in line


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        ((), "no source: give --source"),
        (("--source", "replya:x"), "did you mean 'replay'?"),
        (("--source", "simulator:"), "unknown source 'simulator' (known: mqtt, "),
        (("--source", "sim:?devces=3"), "did you mean 'devices'?"),
        (("--source", "sim:?script=walkin:3"), "did you mean 'walking'?"),
        (("--source", "sim:?speed=fast"), "speed"),
        (("--source", "sim:", "--shard", "5/4"), "shard: '5/4': expected I/N, such as 1/4"),
        (("check", "--source", "sim:", "--shard", "half"), "shard: 'half': expected I/N"),
        (("--source", "sim:?devices=100"), "max_devices is 64"),
        (("--source", "sim:", "--sink", "jsnl:x"), "did you mean 'jsonl'?"),
        (("--source", "sim:", "--sink", "jsonl:/absent/x"), "/absent/x: no such folder"),
        (("--source", "sim:", "--sink", "mqtt://broker.example/har"), "take mqtts://, or set mqtt.insecure = true"),
        (("--source", "mqtt://broker.example"), "take mqtts://, or set mqtt.insecure = true"),
        (("--source", "sim:", "--sink", "mqtts://me:hush@host/har"), "no password in a URI"),
        (("--source", "sim:", "--hop", "129"), "hop"),
        (("--source", "sim:", "--hop", "abc"), "hop"),
        (("--source", "sim:", "--engine", "onyx"), "engine"),
        (("--sorce", "sim:"), "did you mean '--source'?"),
        (("--source",), "expected one argument"),
        (("",), "unrecognized arguments"),
        (("--source", "sim:?speed=1e308"), "speed"),
        (("--source", "sim:?devices=100000000"), "devices"),
    ],
)
def test_faults_of_the_command_line(words: tuple[str, ...], reason: str) -> None:
    assert reason in fault(os.EX_CONFIG, *words)


def test_check_names_every_fault(tmp_path: Path) -> None:
    config = tmp_path / "config.toml"
    config.write_text('sorce = "sim:"\nmodel = "absent"\n[intake]\nmax_devices = 0\n')
    ended = run("check", "--config", str(config), "--source", "sim:")
    assert ended.code == os.EX_CONFIG
    assert len(ended.said.splitlines()) == 3
    assert all(word in ended.said for word in ("sorce", "absent", "intake.max_devices"))


def test_check_names_what_run_would_refuse(tmp_path: Path) -> None:
    sink = tmp_path / "labels.jsonl"
    ended = run("check", "--source", "sim:?devices=100", "--sink", f"jsonl:{sink}")
    assert ended.code == os.EX_CONFIG
    assert "max_devices is 64" in ended.said
    assert not sink.exists()


def test_a_network_of_another_shape_than_its_manifest_is_refused(tmp_path: Path) -> None:
    model = Path(shutil.copytree(resolve("seed-lstm"), tmp_path / "model"))
    manifest = (model / "manifest.json").read_text()
    (model / "manifest.json").write_text(
        manifest.replace('"window": 128', '"window": 96').replace('"hop": 64', '"hop": 48')
    )
    assert "does not take its manifest's windows" in fault(os.EX_CONFIG, "--source", "sim:", "--model", str(model))


def test_check_finds_nothing_wrong_with_what_is_right() -> None:
    ended = run("check", "--source", "sim:")
    assert (ended.code, ended.output) == (0, b"the configuration is right\n")
