"""The arrival clock, on simulated arrivals: jitter, bursts, stalls, drift and gaps."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from har_stream.arrival_clock import ArrivalClock

DELAY_S = 0.005
"""What no sample arrives without."""


@dataclass
class Run:
    """taken_s (n,) when samples were taken; told_s (n,) what the clock says; rates (chunks,) its rate over time."""

    taken_s: NDArray[np.float64]
    told_s: NDArray[np.float64]
    rates: NDArray[np.float64]

    def settled(self, after_s: float = 15.0) -> NDArray[np.float64]:
        """How far off the told times are from the time of arrival without jitter, in s."""
        return (self.told_s - self.taken_s - DELAY_S)[self.taken_s > after_s]


def run(
    rate_hz: float,
    *,
    chunk_s: float = 0.02,
    jitter_s: float = 0.005,
    stalls: tuple[tuple[float, float], ...] = (),
    lost: tuple[float, float] = (0, 0),
    nominal_hz: float | None = None,
    seed: int = 0,
) -> Run:
    """A minute of samples that arrive in chunks; what ends within a stall arrives at its end."""
    taken_s = np.arange(int(60 * rate_hz)) / rate_hz
    taken_s = taken_s[(taken_s < lost[0]) | (taken_s >= lost[1])]
    generator = np.random.default_rng(seed)
    ends_s = np.arange(chunk_s, 60, chunk_s)
    arrivals_s = ends_s + DELAY_S + generator.exponential(jitter_s, len(ends_s))
    for begin_s, end_s in stalls:
        arrivals_s[(arrivals_s > begin_s) & (arrivals_s < end_s)] = end_s
    arrivals_s = np.maximum.accumulate(arrivals_s)
    clock, told, rates, count = ArrivalClock(nominal_hz=nominal_hz), [], [], 0
    for end_s, arrival_s in zip(ends_s, arrivals_s, strict=True):
        samples = int(np.searchsorted(taken_s, end_s, "right")) - count
        if not samples:
            continue
        count += samples
        waited = clock.waiting + samples
        span = clock.push(samples, arrival_s)
        if span:
            told.append(span.start_s + np.arange(waited) / span.rate_hz)
            rates.append(span.rate_hz)
    told_s = np.concatenate(told)
    return Run(taken_s[: len(told_s)], told_s, np.array(rates))


@pytest.mark.parametrize("rate_hz", [26, 50, 52, 104, 200])
@pytest.mark.parametrize(("chunk_s", "jitter_s"), [(0.02, 0.001), (0.02, 0.015), (0.2, 0.01), (0.5, 0.02)])
def test_jitter_and_bursts_become_a_steady_clock(rate_hz: float, chunk_s: float, jitter_s: float) -> None:
    one = run(rate_hz, chunk_s=chunk_s, jitter_s=jitter_s)
    assert np.abs(one.rates[one.rates.size // 3 :] / rate_hz - 1).max() < 0.005
    off_s = one.settled()
    assert np.abs(off_s - np.median(off_s)).max() < 0.02
    steps = np.diff(one.told_s) * rate_hz
    assert steps.min() > 0.7
    assert steps.max() < 1.3


@pytest.mark.parametrize("stall", [(0.3, 0.7), (0.6, 1.1), (5, 5.45), (20, 20.3), (40, 40.45)])
def test_a_stall_leaves_no_trace(stall: tuple[float, float]) -> None:
    one = run(50, stalls=(stall,))
    steps = np.diff(one.told_s) * 50
    assert steps.min() > 0.7
    assert steps.max() < 1.3
    assert np.abs(one.settled(5.0)).max() < 0.006


@pytest.mark.parametrize("rate_hz", [48.5, 49.9, 51.5])
def test_a_device_that_is_off_its_nominal_rate_is_followed(rate_hz: float) -> None:
    one = run(rate_hz, nominal_hz=50, chunk_s=0.1)
    assert abs(one.rates[-1] / rate_hz - 1) < 0.001
    assert np.abs(np.median(one.settled(30.0))) < 0.02
    assert np.diff(one.told_s).min() > 0


@pytest.mark.parametrize(("rate_hz", "nominal_hz"), [(52, 104), (104, 52), (200, 50)])
def test_a_nominal_rate_that_is_wrong_is_given_up(rate_hz: float, nominal_hz: float) -> None:
    one = run(rate_hz, nominal_hz=nominal_hz)
    assert abs(one.rates[-1] / rate_hz - 1) < 0.001


def test_a_nominal_rate_needs_no_measurement() -> None:
    assert ArrivalClock(nominal_hz=50).push(1, 10.0) is not None


def test_a_silence_is_a_gap() -> None:
    one = run(50, lost=(30, 33))
    gap = int(np.argmax(np.diff(one.taken_s)))
    assert abs(np.diff(one.told_s)[gap] - 3) < 0.05
    assert np.abs(one.settled()).max() < 0.05


def test_samples_lost_in_less_than_half_a_second_move_the_clock_in_the_end() -> None:
    one = run(50, lost=(30, 30.3))
    assert np.abs(one.settled(35.0)).max() < 0.02


def test_a_clock_of_arrivals_that_steps_back_is_followed() -> None:
    clock = ArrivalClock(nominal_hz=50)
    clock.push(50, 100.0)
    span = clock.push(50, 10.0)
    assert span is not None
    assert abs(span.start_s + 49 / span.rate_hz - 10.0) < 0.001


def test_chunks_that_come_all_but_together_tell_no_rate() -> None:
    clock = ArrivalClock()
    for arrival_s in (0.0, 5e-324, 1e-300, 2e-300):
        assert clock.push(1, arrival_s) is None
    assert [clock.push(1, 1 + 0.02 * step) is None for step in range(100)].count(False) > 40


@given(
    st.lists(
        st.tuples(st.integers(1, 300), st.floats(-5, 5) | st.floats(0, 0.1) | st.just(0.0)), min_size=1, max_size=200
    ),
    st.none() | st.floats(0.1, 10_000),
)
def test_whatever_arrives_every_sample_has_a_time_or_waits(
    chunks: list[tuple[int, float]], nominal_hz: float | None
) -> None:
    clock, arrival_s, pushed, told = ArrivalClock(nominal_hz=nominal_hz), 0.0, 0, 0
    for samples, step_s in chunks:
        arrival_s += step_s
        pushed += samples
        before = clock.waiting + samples
        span = clock.push(samples, arrival_s)
        told += before if span else 0
        if span:
            assert np.isfinite([span.start_s, span.rate_hz]).all()
            assert span.rate_hz > 0
    assert pushed == told + clock.waiting
