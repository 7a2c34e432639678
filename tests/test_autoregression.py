"""Noise that remembers: SciPy's numbers without SciPy's weight, and no break from take to take."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.signal import lfilter

from har_stream.sources import autoregression
from har_stream.sources.autoregression import Autoregression, Recursion, public, recursion


@pytest.mark.parametrize("apply", [recursion, public])
def test_the_recursion_is_lfilter_to_the_bit(apply: Recursion) -> None:
    generator = np.random.default_rng(3)
    denominator = np.array([1.0, -1.2, 0.5, 0.1, -0.05])
    signal, state = generator.standard_normal((50, 2))[:, 1], generator.standard_normal(4)
    wanted, wanted_after = lfilter([1.0], denominator, signal, zi=state)
    got, after = apply(denominator, signal, state)
    assert (got.tobytes(), after.tobytes()) == (wanted.tobytes(), wanted_after.tobytes())


def test_scipys_kernel_is_what_serves() -> None:
    assert recursion is not public


def test_noise_is_what_its_memory_and_its_innovation_make_of_chance(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(autoregression, "RUN_IN", 2)
    values = Autoregression([(0.5, 0.25), (0.0, 0.0)], [1.0, 2.0], np.random.default_rng(4)).take(2)
    generator = np.random.default_rng(4)
    before = generator.standard_normal((2, 2))
    fresh = generator.standard_normal((2, 2))
    first = [before[0, 0], before[1, 0] + 0.5 * before[0, 0]]
    third = fresh[0, 0] + 0.5 * first[1] + 0.25 * first[0]
    assert values[:, 0] == pytest.approx([third, fresh[1, 0] + 0.5 * third + 0.25 * first[1]])
    assert values[:, 1] == pytest.approx(2.0 * fresh[:, 1])


@given(cuts=st.lists(st.integers(1, 200), min_size=1, max_size=8))
def test_noise_goes_on_from_take_to_take(cuts: list[int]) -> None:
    whole = Autoregression([(0.9, -0.2)], [0.1], np.random.default_rng(5)).take(sum(cuts))
    parts = Autoregression([(0.9, -0.2)], [0.1], np.random.default_rng(5))
    assert np.concatenate([parts.take(cut) for cut in cuts]) == pytest.approx(whole)


def test_wander_has_variance_one() -> None:
    curves = Autoregression.wander(0.5, 4, np.random.default_rng(1), rate_hz=50.0).take(100_000)
    assert curves.std(axis=0) == pytest.approx(np.ones(4), rel=0.15)
