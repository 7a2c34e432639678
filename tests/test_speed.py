"""A network's measures: kept while it, the processor and the libraries are the same."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from training import speed
from training.speed import Network, NetworkOrder, measured


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
