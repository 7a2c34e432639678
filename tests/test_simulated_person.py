"""A simulated person: continuous, plausible at rest, gyroscope and gravity of one mind."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from scipy.spatial.transform import Rotation

from har_stream.activities import ACTIVITIES, CODE_BY_NAME, UNLABELLED
from har_stream.samples import Codes, Samples
from har_stream.sources.people import Noise, Person, load_people
from har_stream.sources.simulated_person import RATE_HZ, Autoregression, SimulatedPerson, Step

PEOPLE = load_people().people
STILL = ("sitting", "standing", "laying")
STILL_JUMP_G = 0.4
STILL_JUMP_RADS = 1.5
SLACK = np.repeat([0.02, 0.1], 3)


def perform(person: Person, *script: tuple[str, float], seed: int = 1) -> tuple[Samples, Codes]:
    segments = list(SimulatedPerson(person, np.random.default_rng(seed)).perform(Step(*step) for step in script))
    return np.concatenate([values for values, _ in segments]), np.concatenate([truth for _, truth in segments])


def quiet(person: Person) -> Person:
    """Someone whose only motion is gravity's rotation."""
    silence = Noise(memory=((0.0,),) * 6, innovation=(0.0,) * 6)
    postures = {name: replace(one, sway_rad=0.0, noise=silence) for name, one in person.postures.items()}
    turns = {name: replace(one, motion=(0.0,) * 6) for name, one in person.turns.items()}
    return replace(person, postures=postures, turns=turns)


def runs(truth: Codes) -> list[tuple[int, int]]:
    """Codes in their order, each with its number of samples."""
    edges = [0, *(np.flatnonzero(np.diff(truth)) + 1).tolist(), len(truth)]
    return [(int(truth[start]), stop - start) for start, stop in pairwise(edges)]


def test_samples_have_the_streams_types() -> None:
    values, truth = perform(PEOPLE[0], ("walking", 3), ("standing", 3))
    assert values.dtype == np.float32
    assert values.shape == (len(truth), 6)
    assert truth.dtype == np.uint8


def test_truth_is_the_script_with_turns_between() -> None:
    _, truth = perform(PEOPLE[0], ("standing", 4), ("sitting", 3), ("laying", 5), ("walking", 2), ("sitting", 1))
    told = runs(truth)
    names = ("standing", "stand_to_sit", "sitting", "sit_to_lie", "laying", None, "walking", None, "sitting")
    assert [code for code, _ in told] == [UNLABELLED if name is None else CODE_BY_NAME[name] for name in names]
    assert [length for _, length in told[::2]] == [200, 150, 250, 100, 50]
    assert all(1 * RATE_HZ < length < 12 * RATE_HZ for _, length in told[1::2])


def test_from_gait_to_gait_takes_about_a_second() -> None:
    _, truth = perform(PEOPLE[0], ("walking", 3), ("walking_upstairs", 3), ("walking_downstairs", 3))
    turns = [length for code, length in runs(truth) if code == UNLABELLED]
    assert len(turns) == 2
    assert all(25 <= length <= 100 for length in turns)


def test_the_same_activity_again_goes_on_without_a_turn() -> None:
    _, truth = perform(PEOPLE[0], ("walking", 3), ("walking", 4))
    assert runs(truth) == [(CODE_BY_NAME["walking"], 350)]


@pytest.mark.parametrize("person", PEOPLE, ids=lambda person: str(person.subject))
def test_acceleration_at_rest_is_about_one_g(person: Person) -> None:
    for posture in STILL:
        values, _ = perform(person, (posture, 20))
        lengths_g = np.linalg.norm(values[:, :3], axis=1)
        assert abs(np.median(lengths_g) - 1) < 0.2
        assert lengths_g.std() < 0.06


@pytest.mark.parametrize("person", PEOPLE[:4], ids=lambda person: str(person.subject))
def test_signals_have_no_jumps_where_segments_meet(person: Person) -> None:
    script = [Step(activity, 12.0) for activity in (*ACTIVITIES, *reversed(ACTIVITIES))]
    segments = [values for values, _ in SimulatedPerson(person, np.random.default_rng(3)).perform(script)]
    steps = np.abs(np.diff(np.concatenate(segments), axis=0))
    seams = np.cumsum([len(values) for values in segments])[:-1] - 1
    for seam in seams.tolist():
        around = np.concatenate([steps[max(0, seam - 100) : seam], steps[seam + 1 : seam + 101]])
        assert (steps[seam] <= 1.5 * around.max(axis=0) + SLACK).all()


@given(seed=st.integers(0, 10**6), place=st.integers(0, len(PEOPLE) - 1))
def test_still_people_move_smoothly(seed: int, place: int) -> None:
    values, _ = perform(PEOPLE[place], *((posture, 2.0) for posture in STILL), seed=seed)
    steps = np.abs(np.diff(values, axis=0)).max(axis=0)
    assert (steps[:3] < STILL_JUMP_G).all()
    assert (steps[3:] < STILL_JUMP_RADS).all()


@given(seed=st.integers(0, 10**6), place=st.integers(0, len(PEOPLE) - 1), order=st.permutations(STILL))
def test_gyroscope_integrates_to_the_rotation_of_gravity(seed: int, place: int, order: list[str]) -> None:
    values, _ = perform(quiet(PEOPLE[place]), *((posture, 1.0) for posture in order), seed=seed)
    gravity = values[:, :3] / np.linalg.norm(values[:, :3], axis=1, keepdims=True)
    turned = gravity[0]
    for rotation in Rotation.from_rotvec(-values[1:, 3:] / RATE_HZ).as_matrix():
        turned = rotation @ turned
    assert turned == pytest.approx(gravity[-1], abs=0.02)
    assert np.degrees(np.arccos(gravity[0] @ gravity[-1])) > 1


def test_walking_has_the_persons_own_tempo_and_varies() -> None:
    person = PEOPLE[0]
    values, _ = perform(person, ("walking", 120))
    spectrum = np.abs(np.fft.rfft(values[:, 0] - values[:, 0].mean()))
    step_hz = np.fft.rfftfreq(len(values), 1 / RATE_HZ)[spectrum.argmax()]
    assert step_hz / 2 == pytest.approx(person.gaits["walking"].stride_hz, rel=0.08)
    seconds = values[:6000, 0].reshape(-1, 100)
    assert seconds.std(axis=1).std() > 0.005


def test_two_with_the_same_parameters_are_not_the_same() -> None:
    one, _ = perform(PEOPLE[0], ("walking", 10), seed=1)
    other, _ = perform(PEOPLE[0], ("walking", 10), seed=2)
    assert np.abs(one - other).max() > 0.1


@given(cuts=st.lists(st.integers(1, 200), min_size=1, max_size=8))
def test_noise_goes_on_from_take_to_take(cuts: list[int]) -> None:
    whole = Autoregression([(0.9, -0.2)], [0.1], np.random.default_rng(5)).take(sum(cuts))
    parts = Autoregression([(0.9, -0.2)], [0.1], np.random.default_rng(5))
    assert np.concatenate([parts.take(cut) for cut in cuts]) == pytest.approx(whole)


def test_wander_has_variance_one() -> None:
    curves = Autoregression.wander(0.5, 4, np.random.default_rng(1)).take(100_000)
    assert curves.std(axis=0) == pytest.approx(np.ones(4), rel=0.15)
