"""The low-pass: SciPy's design and SciPy's numbers, without SciPy's weight."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from scipy.signal import butter, sosfilt, sosfilt_zi, sosfreqz

from har_stream.butterworth import ButterworthLowPass, delay_s, low_pass_sections, settled
from har_stream.manifest import LowPass
from har_stream.sections import filter_sections, public

DESIGNS = [(10, 20.0, 50.0), (3, 0.3, 50.0), (2, 0.1, 50.0), (8, 23.0, 100.0), (8, 23.0, 1600.0), (1, 5.0, 50.0)]


@pytest.mark.parametrize(("order", "cutoff_hz", "rate_hz"), DESIGNS)
def test_sections_and_their_settled_state_are_those_of_scipy(order: int, cutoff_hz: float, rate_hz: float) -> None:
    sections = low_pass_sections(order, cutoff_hz, rate_hz=rate_hz)
    wanted = butter(order, cutoff_hz, fs=rate_hz, output="sos")
    assert np.allclose(sections, wanted, rtol=1e-11, atol=1e-15)
    assert np.allclose(settled(sections), sosfilt_zi(wanted), rtol=1e-10, atol=1e-14)


def test_the_delay_is_that_of_the_phase() -> None:
    sections = low_pass_sections(8, 23.0, rate_hz=100.0)
    _, response = sosfreqz(sections, worN=[0.5], fs=100.0)
    assert delay_s(sections, 0.5, rate_hz=100.0) == pytest.approx(-np.angle(response[0]) / np.pi)


@pytest.mark.parametrize("apply", [filter_sections, public])
def test_the_kernel_filters_as_the_public_function_does_to_the_bit(apply: object) -> None:
    sections = low_pass_sections(10, 20.0, rate_hz=50.0)
    generator = np.random.default_rng(1)
    signals, states = generator.standard_normal((4, 30)), generator.standard_normal((4, 5, 2))
    wanted, after = sosfilt(sections, signals, axis=1, zi=states.transpose(1, 0, 2))
    apply(sections, signals, states)  # type: ignore[operator]
    assert signals.tobytes() == wanted.tobytes()
    assert np.array_equal(states, after.transpose(1, 0, 2))


def test_devices_and_blocks_do_not_touch_each_other() -> None:
    values = np.random.default_rng(2).standard_normal((3, 60, 2))

    def low_pass() -> ButterworthLowPass:
        one = ButterworthLowPass(LowPass(3, 5.0), rate_hz=50, initial_state="first-sample", rows=9, axes=2)
        one.reset(np.array([7, 1, 4]), values[:, 0])
        return one

    whole = low_pass().push(np.array([7, 1, 4]), values)
    cut = low_pass()
    for row, lane in ((4, 2), (7, 0), (1, 1)):
        parts = [cut.push(np.array([row]), values[lane : lane + 1, at : at + 7]) for at in range(0, 60, 7)]
        assert np.concatenate(parts, axis=1).tobytes() == whole[lane : lane + 1].copy().tobytes()


def test_the_daemon_needs_neither_scipys_signal_package_nor_tensorflow() -> None:
    heavy = "scipy.signal", "tensorflow", "keras"
    needed = "har_stream.daemon, har_stream.cli, har_stream.sources.simulator"
    code = f"import sys, {needed}; sys.exit(any(name in sys.modules for name in {heavy}))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
