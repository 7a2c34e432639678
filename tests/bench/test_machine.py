"""What is told of the machine, the libraries and the sources."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from har_stream.bench import machine


def test_the_processor_is_told_by_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    info = tmp_path / "cpuinfo"
    monkeypatch.setattr(machine, "CPU_INFO", info)
    info.write_text("processor\t: 0\nmodel name\t: Some CPU @ 2:1\n\nprocessor\t: 1\nmodel name\t: Other\n")
    assert machine.processor_name() == "Some CPU @ 2:1"
    info.write_text("processor : 0\nModel\t\t: Raspberry Pi 5\n")
    assert machine.processor_name() == "Raspberry Pi 5"
    info.unlink()
    assert machine.processor_name()


def test_versions_name_what_the_figures_depend_on() -> None:
    assert {"python", "har-stream", "numpy", "onnxruntime", "scipy"} <= machine.versions().keys()


@pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")
def test_a_commit_is_told_of_a_checkout_of_the_package_alone(tmp_path: Path) -> None:
    package = tmp_path / "checkout" / "har_stream"
    installed = tmp_path / "checkout" / "venv" / "har_stream"
    for folder in (package, installed):
        folder.mkdir(parents=True)
    assert machine.commit(package) is None
    git = ["git", "-C", str(tmp_path / "checkout"), "-c", "user.name=a", "-c", "user.email=a@example.org"]
    subprocess.run([*git, "init", "-q"], check=True)
    subprocess.run([*git, "commit", "-q", "--allow-empty", "-m", "begin"], check=True)
    told = machine.commit(package)
    assert told is not None
    assert len(told) == 40
    assert machine.commit(installed) is None


def test_without_git_there_is_no_commit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    assert machine.commit() is None
