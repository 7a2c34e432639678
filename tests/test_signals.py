"""The last ten seconds of a device, and its own rate."""

from __future__ import annotations

import numpy as np
import pytest

from har_stream.samples import Refused, SampleBlock, TimedBlock
from har_stream.signals import OwnRate, Signals


def channels(samples: int, gravity_g: float = 1.0) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    values = np.zeros((samples, 9), np.float32)
    values[:, 6] = gravity_g
    return values


def test_a_reader_gets_each_sample_once_and_ten_seconds_are_kept() -> None:
    signals = Signals(rate_hz=50.0)
    signals.add(0.0, channels(30))
    assert len(signals.since(0)[0]) == 30
    assert len(signals.since(30)[0]) == 0
    signals.add(0.6, channels(5))
    assert signals.since(30)[0].tolist() == pytest.approx([0.6, 0.62, 0.64, 0.66, 0.68])
    signals.add(0.7, channels(10_000))
    times_s, values = signals.since(0)
    assert (len(times_s), values.shape) == (500, (500, 9))


def test_what_comes_from_before_begins_anew() -> None:
    signals = Signals(rate_hz=50.0)
    signals.add(100.0, channels(30))
    signals.add(3.0, channels(2))
    assert signals.since(0)[0].tolist() == pytest.approx([3.0, 3.02])


def test_gravity_is_total_less_body_acceleration() -> None:
    signals = Signals(rate_hz=50.0)
    assert signals.gravity is None
    values = channels(60)
    values[:, 0] = 0.25
    signals.add(0.0, values)
    assert signals.gravity is not None
    assert signals.gravity.tolist() == pytest.approx([0.75, 0.0, 0.0])


def block(start_s: float, samples: int = 10, rate_hz: float = 50.0) -> SampleBlock:
    return SampleBlock("a", 0, start_s, rate_hz, np.zeros((samples, 6), np.float32))


def test_a_rate_is_that_of_the_devices_clock_and_losses_lower_it() -> None:
    rate = OwnRate()
    assert rate.rate_hz is None
    for number in range(50):
        rate.note(block(number * 0.2))
    assert rate.rate_hz == pytest.approx(50.0)
    for number in range(50, 100, 2):
        rate.note(block(number * 0.2))
    assert rate.rate_hz == pytest.approx(25.0, abs=1)


def test_a_rate_of_samples_with_times_and_what_was_refused() -> None:
    rate = OwnRate()
    for number in range(20):
        rate.note(TimedBlock("a", number + np.arange(1, 101) / 100, np.zeros((100, 6), np.float32)))
    rate.note(Refused("a", "crc", 3))
    assert rate.rate_hz == pytest.approx(100.0)
    assert rate.refused == 3


def test_a_clock_that_was_set_back_or_stands_still_is_measured_anew() -> None:
    rate = OwnRate()
    for start_s in (5.0, 5.2, 1.0):
        rate.note(block(start_s))
    assert rate.rate_hz is None
    rate.note(block(1.0))
    assert rate.rate_hz is None
