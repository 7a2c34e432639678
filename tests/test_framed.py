"""Windows with their times, and what is told of many of them at once."""

from __future__ import annotations

import numpy as np
import pytest

from har_stream.framed import mean

WINDOWS = np.random.default_rng(1).standard_normal((70, 128, 9)).astype(np.float32)


def test_means_are_those_of_each_channel() -> None:
    assert np.allclose(mean(WINDOWS), WINDOWS.mean(axis=1, dtype=np.float64), rtol=0, atol=1e-6)


@pytest.mark.parametrize("count", [1, 2, 7, 33])
def test_a_windows_means_are_the_same_bits_in_any_company(count: int) -> None:
    assert mean(WINDOWS[:count]).tobytes() == mean(WINDOWS)[:count].tobytes()
    assert mean(WINDOWS[[5] * count])[-1].tobytes() == mean(WINDOWS)[5].tobytes()


def test_of_no_windows_there_are_no_means() -> None:
    assert mean(WINDOWS[:0]).shape == (0, 9)
