"""A network's measures: kept while it, the processor and the libraries are the same."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from training import speed
from training.speed import Network, NetworkOrder, measured, processor_name


def test_a_network_is_timed_anew_only_where_something_is_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    timings = iter([(1.0, 1.5), (2.0, 2.5)])
    monkeypatch.setattr(speed, "_us_per_window", lambda _: next(timings))
    order = NetworkOrder("seed-lstm", 128, 6, tmp_path / "seed-lstm.json")
    first = measured(order)
    assert (first.parameters, first.us_per_window, first.us_per_window_median) == (17158, 1.0, 1.5)
    assert measured(order) == first
    other = msgspec.structs.replace(first, processor="another")
    order.path.write_bytes(msgspec.json.encode(other))
    assert measured(order).us_per_window == 2.0
    assert msgspec.json.decode(order.path.read_bytes(), type=Network).digest == first.digest


def test_another_network_has_another_digest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(speed, "_us_per_window", lambda _: (1.0, 1.0))
    digests = {measured(NetworkOrder("seed-lstm", window, 6, tmp_path / "one.json")).digest for window in (64, 128)}
    assert len(digests) == 2


def test_the_processor_is_told_by_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    info = tmp_path / "cpuinfo"
    monkeypatch.setattr(speed, "CPU_INFO", info)
    info.write_text("processor\t: 0\nmodel name\t: Some CPU @ 2:1\n\nprocessor\t: 1\nmodel name\t: Other\n")
    assert processor_name() == "Some CPU @ 2:1"
    info.write_text("processor : 0\nModel\t\t: Raspberry Pi 5\n")
    assert processor_name() == "Raspberry Pi 5"
    info.unlink()
    assert processor_name()
