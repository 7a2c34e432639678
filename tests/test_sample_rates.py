"""Rates of samples as they arrive."""

from __future__ import annotations

import math

import pytest

from har_stream.sample_rates import MEASURED_OVER_S, SILENT_S, SampleRates


def note(rates: SampleRates, blocks: int, samples: int, every_s: float, start_s: float = 0.0) -> None:
    for number in range(blocks):
        rates.note("watch", samples, start_s + number * every_s)


@pytest.mark.parametrize(("samples", "every_s"), [(5, 0.1), (50, 1.0), (150, 3.0), (1, 0.02)])
@pytest.mark.parametrize("times", [1.01, 4.01])
def test_the_rate_does_not_depend_on_how_samples_are_cut(samples: int, every_s: float, times: float) -> None:
    rates = SampleRates(limit=2)
    note(rates, 1 + math.ceil(MEASURED_OVER_S * times / every_s), samples, every_s)
    assert rates.rate_hz("watch") == pytest.approx(50)


def test_there_is_none_before_it_is_measured() -> None:
    rates = SampleRates(limit=2)
    note(rates, 10, 5, 0.1)
    assert rates.rate_hz("watch") is rates.rate_hz("other") is None


def test_a_silence_is_not_averaged_in() -> None:
    rates = SampleRates(limit=2)
    note(rates, 100, 5, 0.1)
    note(rates, 100, 10, 0.1, start_s=20 + SILENT_S)
    assert rates.rate_hz("watch") == pytest.approx(100)


def test_devices_are_bounded() -> None:
    rates = SampleRates(limit=1)
    note(rates, 100, 5, 0.1)
    rates.note("other", 5, 11.0)
    assert rates.rate_hz("watch") is None
