"""UCI HAR's noise filter and the two slow filters behind it."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.signal import butter, freqz_sos, lfilter, medfilt

from har_stream.butterworth import ButterworthLowPass, axes_first
from har_stream.denoising import Denoising
from har_stream.gravity import Gravity
from har_stream.manifest import LowPass
from training.chain import uci_har_filters

ROW = np.zeros(1, np.intp)


def noise(samples: int, axes: int = 6) -> np.ndarray:
    return np.random.default_rng(5).standard_normal((1, samples, axes))


@pytest.mark.parametrize(("order", "cutoff_hz"), [(10, 20.0), (3, 0.3), (2, 0.1)])
def test_the_low_pass_is_the_butterworth_of_its_order_and_cutoff(order: int, cutoff_hz: float) -> None:
    impulse = np.zeros((1, 2**16, 1))
    impulse[0, 0] = 1
    low_pass = ButterworthLowPass(LowPass(order, cutoff_hz), rate_hz=50, initial_state="zero", rows=1, axes=1)
    response = np.abs(np.fft.rfft(low_pass.push(ROW, impulse)[0, :, 0]))
    frequency_hz = np.fft.rfftfreq(2**16, 1 / 50)
    _, wanted = freqz_sos(butter(order, cutoff_hz, fs=50, output="sos"), worN=frequency_hz, fs=50)
    assert np.abs(response - np.abs(wanted)).max() < 1e-4
    assert response[np.argmin(np.abs(frequency_hz - cutoff_hz))] == pytest.approx(2**-0.5, abs=0.01)


def test_denoising_is_the_median_of_three_then_the_low_pass() -> None:
    values = noise(200).astype(np.float32)
    stage = Denoising(uci_har_filters("zero"), rate_hz=50, rows=1)
    stage.reset(ROW, values[:, 0])
    got = stage.push(ROW, values)[:, 0].T
    b, a = butter(10, 20, fs=50)
    median = np.stack([medfilt(axis, 3) for axis in values[0].T.astype(float)], axis=1)
    # The stage gives each sample one later; medfilt takes what lies beyond the ends as zero, as the stage does.
    wanted = lfilter(b, a, median, axis=0)
    assert np.abs(got[1:] - wanted[:-1]).max() < 1e-9
    assert not got[0].any()


def test_a_single_spike_does_not_pass_the_median() -> None:
    values = np.zeros((1, 50, 6), np.float32)
    values[0, 25] = 30
    stage = Denoising(uci_har_filters(), rate_hz=50, rows=1)
    stage.reset(ROW, values[:, 0])
    assert not stage.push(ROW, values).any()


def test_gravity_and_body_acceleration_add_up_to_the_total() -> None:
    denoised = noise(500)
    stage = Gravity(uci_har_filters("zero"), rate_hz=50, rows=1)
    channels = stage.push(ROW, axes_first(denoised))[0].astype(float)
    gravity = channels[:, 6:] - channels[:, :3]
    b, a = butter(3, 0.3, fs=50)
    assert np.abs(gravity - lfilter(b, a, denoised[0, :, :3], axis=0)).max() < 1e-6
    b, a = butter(2, 0.1, fs=50)
    drift = denoised[0, :, 3:] - channels[:, 3:6]
    assert np.abs(drift - lfilter(b, a, denoised[0, :, 3:], axis=0)).max() < 1e-6
