"""Training windows turned and tilted, and the calibration that a score leaves out."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest

from har_stream.datasets import WindowTable
from har_stream.upright import gravity_of, unit
from training.augmentation import OTHER_SIDE, Augmentation, augmented, calibration, upright_rotations

GRAVITY = {1: [0.9, -0.3, 0.1], 2: [0.8, 0.2, -0.5]}


def table() -> WindowTable:
    """Two recordings of one volunteer, whose phone sits differently in each: 20 windows of walking, 5 of sitting."""
    generator = np.random.default_rng(4)
    values = (0.1 * generator.standard_normal((50, 128, 9))).astype(np.float32)
    experiment = np.repeat([1, 2], 25).astype(np.int16)
    values[:, :, 6:] = values[:, :, :3] + np.array([GRAVITY[one] for one in experiment.tolist()])[:, np.newaxis]
    codes = np.tile(np.repeat([1, 4], [20, 5]), 2).astype(np.uint8)
    start = np.tile(np.arange(25) * 64 + 1000, 2)
    return WindowTable(values, codes, np.full(50, 8, np.int16), experiment, start, np.tile(np.arange(25) > 0, 2))


def tilts_deg(values: np.ndarray) -> np.ndarray:
    return np.asarray(np.degrees(np.arccos(np.clip(unit(gravity_of(values))[:, 0], -1, 1))))


def test_each_recording_is_turned_by_its_own_walking() -> None:
    one = table()
    seen = augmented(
        one.values,
        upright_rotations(one),
        Augmentation(tilt_deg=0, turned_tilt_deg=0, turned_share=1),
        np.random.default_rng(1),
    )
    assert tilts_deg(seen).max() < 1
    assert tilts_deg(one.values).min() > 15


def test_the_share_of_turned_windows_is_as_asked() -> None:
    one = table()
    seen = augmented(
        one.values,
        upright_rotations(one),
        Augmentation(tilt_deg=0, turned_tilt_deg=0, turned_share=0.5),
        np.random.default_rng(1),
    )
    assert 0.3 < (tilts_deg(seen) < 1).mean() < 0.7
    untouched = augmented(
        one.values,
        upright_rotations(one),
        Augmentation(tilt_deg=0, turned_tilt_deg=0, turned_share=0),
        np.random.default_rng(1),
    )
    assert untouched == pytest.approx(one.values, abs=1e-6)


def test_tilts_have_their_spread_and_a_seed() -> None:
    one, how = table(), Augmentation(tilt_deg=1, turned_tilt_deg=8, turned_share=1)
    many = np.concatenate(
        [augmented(one.values, upright_rotations(one), how, np.random.default_rng(seed)) for seed in range(20)]
    )
    # Of the three axes the two across gravity move it: a Rayleigh distribution of mean 8 * sqrt(pi / 2).
    assert tilts_deg(many).mean() == pytest.approx(8 * np.sqrt(np.pi / 2), rel=0.05)
    again = augmented(one.values, upright_rotations(one), how, np.random.default_rng(0))
    assert np.array_equal(many[:50], again)


def test_ten_seconds_of_walking_calibrate_and_are_left_out_of_the_score() -> None:
    one = table()
    one.values[20:25] = 9.0  # what is no walking teaches nothing
    rotations, used = calibration(one, samples=500, window=128)
    # Windows that begin less than 500 samples after the first: 0, 64 ... 448 samples.
    assert np.flatnonzero(used).tolist() == [*range(8), *range(25, 33)]
    turned_up = np.einsum("nij,nj->ni", rotations, [GRAVITY[e] for e in one.experiment.tolist()])
    assert unit(turned_up)[:, 0].min() > 0.999


def test_the_other_side_is_a_motion_that_a_body_can_make() -> None:
    """As a device turns, gravity turns the other way in its frame: dg/dt = -w x g, also for who wears it there."""
    rate_hz, steps = 1000.0, np.arange(2000)[:, np.newaxis] / 1000.0
    rates = np.sin(steps * [3.0, 5.0, 2.0] + [0.3, 1.0, 2.0])
    gravity = np.zeros((len(rates), 3))
    gravity[0] = [0.9, -0.3, 0.2]
    for at in range(1, len(rates)):
        gravity[at] = gravity[at - 1] - np.cross(rates[at - 1], gravity[at - 1]) / rate_hz
    there = np.concatenate([np.zeros_like(rates), rates, gravity], axis=1) * OTHER_SIDE
    turning = np.diff(there[:, 6:], axis=0) * rate_hz
    assert np.abs(turning + np.cross(there[:-1, 3:6], there[:-1, 6:])).max() < 1e-6
    assert np.abs(there[:, 6:] - gravity).max() > 0.1


def test_the_share_of_mirrored_windows_is_as_asked() -> None:
    one, still = table(), Augmentation(tilt_deg=0, turned_tilt_deg=0, turned_share=0)
    how = msgspec.structs.replace(still, mirrored_share=0.3)
    many = [augmented(one.values, upright_rotations(one), how, np.random.default_rng(seed)) for seed in range(9)]
    told = [np.abs(seen - one.values * OTHER_SIDE).max(axis=(1, 2)) < 1e-6 for seen in many]
    untouched = [np.abs(seen - one.values).max(axis=(1, 2)) < 1e-6 for seen in many]
    assert np.mean(told) == pytest.approx(0.3, abs=0.07)
    assert np.logical_xor(told, untouched).all()
