"""The smoother against the textbook: forward filter, fixed-lag smoothing, and what it is for."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from har_stream.batch import laps
from har_stream.manifest import Smoothing
from har_stream.smoothing import FLOOR, LAG, NONE, Smoother, transition_matrix
from training.chain import UCI_HAR_FRAMING

LABELS = 6
CONSTANTS = Smoothing(
    dwell_s=(12.0, 9.0, 8.0, 20.0, 18.0, 30.0),
    jump=tuple(tuple(0.0 if i == j else 0.2 for j in range(LABELS)) for i in range(LABELS)),
    prior=(0.17, 0.15, 0.13, 0.17, 0.19, 0.19),
    evidence=1.0,
    unknown_below=0.5,
)
FRAMING = UCI_HAR_FRAMING


def probabilities(seed: int, windows: int) -> np.ndarray:
    return np.random.default_rng(seed).dirichlet(np.full(LABELS, 0.4), windows).astype(np.float32)


def smooth(stream: np.ndarray, constants: Smoothing = CONSTANTS) -> tuple[list[int], list[int]]:
    smoother = Smoother(constants, FRAMING, labels=LABELS, rows=1)
    smoothed = smoother.push(np.zeros(len(stream), np.intp), np.arange(len(stream)) == 0, stream)
    return smoothed.in_force.tolist(), smoothed.settled.tolist()


def brute_force(stream: np.ndarray) -> tuple[list[int], list[int]]:
    """Sum over every sequence of states, as the definition of the model has it."""
    prior = np.array(CONSTANTS.prior)
    transition = transition_matrix(CONSTANTS, hop_s=1.28)
    evidence = (np.maximum(stream, FLOOR) / prior) ** 0.5
    in_force, settled = [], []
    for now in range(len(stream)):
        joint = prior * evidence[0]
        for step in range(1, now + 1):
            joint = joint[..., :, np.newaxis] * transition * evidence[step]
        axes = tuple(range(joint.ndim))
        last = joint.sum(axis=axes[:-1])
        in_force.append(int(last.argmax()) if last.max() / last.sum() >= 0.5 else NONE)
        back = joint.sum(axis=tuple(axis for axis in axes if axis != now - LAG)) if now >= LAG else None
        settled.append(NONE if back is None else int(back.argmax()))
    return in_force, settled


@pytest.mark.parametrize("seed", range(20))
def test_labels_are_those_of_the_definition(seed: int) -> None:
    stream = probabilities(seed, 7)
    assert smooth(stream) == brute_force(stream)


def test_one_odd_window_does_not_change_the_label() -> None:
    steady = np.full((9, LABELS), 0.01, np.float32)
    steady[:, 3] = 0.95
    steady[4] = [0.01, 0.01, 0.01, 0.27, 0.69, 0.01]
    in_force, settled = smooth(steady)
    assert in_force == [3] * 9
    assert settled == [NONE] * LAG + [3] * 7


def test_where_a_stream_begins_anew_nothing_is_settled_at_first() -> None:
    stream = probabilities(3, 8)
    smoother, row = Smoother(CONSTANTS, FRAMING, labels=LABELS, rows=1), np.zeros(8, np.intp)
    begins = np.arange(8) % 4 == 0
    settled = smoother.push(row, begins, stream).settled
    assert (settled == NONE).tolist() == [True, True, False, False] * 2


def test_a_lasting_change_is_followed() -> None:
    stream = np.full((10, LABELS), 0.01, np.float32)
    stream[:5, 0] = stream[5:, 3] = 0.95
    in_force, settled = smooth(stream)
    assert in_force[4] == 0
    assert in_force[7:] == [3, 3, 3]
    assert settled[LAG:] == [0] * 5 + [3] * 3


def test_where_nothing_is_sure_the_label_is_unknown() -> None:
    assert smooth(np.full((3, LABELS), 1 / LABELS, np.float32))[0] == [NONE] * 3


def test_certain_zeros_do_not_break_it() -> None:
    stream = np.eye(LABELS, dtype=np.float32)[[0, 5, 0, 5, 1]]
    in_force, settled = smooth(stream)
    assert NONE not in settled[LAG:]
    assert all(label in range(NONE, LABELS) for label in in_force)


def test_transitions_keep_their_dwell_times_whatever_the_hop() -> None:
    whole = transition_matrix(CONSTANTS, hop_s=1.28)
    halves = np.linalg.matrix_power(transition_matrix(CONSTANTS, hop_s=0.64), 2)
    assert np.abs(whole - halves).max() < 1e-5
    assert whole.sum(axis=1) == pytest.approx(np.ones(LABELS))
    assert transition_matrix(CONSTANTS, hop_s=0.01)[0, 0] == pytest.approx(1 - 0.01 / 12, abs=1e-5)


SITTING, STANDING, STAND_TO_SIT, SIT_TO_STAND = 3, 4, 6, 7


def with_turns() -> Smoothing:
    """Sitting and standing follow each other through two turns of 3 s, and hardly otherwise."""
    states = LABELS + 2
    jump = np.full((states, states), 0.01)
    np.fill_diagonal(jump, 0)
    for start, stop in ((STANDING, STAND_TO_SIT), (STAND_TO_SIT, SITTING), (SITTING, SIT_TO_STAND)):
        jump[start, stop] = 5.0
    jump[SIT_TO_STAND, STANDING] = 5.0
    jump /= jump.sum(axis=1, keepdims=True)
    return Smoothing((*CONSTANTS.dwell_s, 3.0, 3.0), tuple(map(tuple, jump.tolist())), (1 / states,) * states, 1.5, 0.4)


def through(*spans: tuple[int, int]) -> np.ndarray:
    """Windows that tell states with a probability of 0.8, each for a number of windows."""
    states = np.concatenate([np.full(count, state) for state, count in spans])
    return np.asarray(0.8 * np.eye(LABELS + 2)[states] + 0.2 / (LABELS + 2), np.float32)


def test_a_posture_that_nobody_left_does_not_end() -> None:
    doubtful = through((SITTING, 6), (STANDING, 1), (SITTING, 6))
    doubtful[6:8, :LABELS] = np.eye(LABELS)[SITTING] * 0.3 + np.eye(LABELS)[STANDING] * 0.6
    in_force, settled = smooth(doubtful, with_turns())
    assert set(in_force[1:]) == {SITTING}
    assert set(settled[LAG:]) == {SITTING}


def test_a_turn_is_unknown_and_never_published() -> None:
    in_force, settled = smooth(through((STANDING, 6), (STAND_TO_SIT, 3), (SITTING, 6)), with_turns())
    assert in_force[2:6] == [STANDING] * 4
    assert NONE in in_force[6:10]
    assert in_force[-4:] == [SITTING] * 4
    assert set(in_force) == {STANDING, SITTING, NONE}
    assert set(settled[LAG:]) == {STANDING, SITTING}


@given(st.lists(st.integers(0, 3), min_size=1, max_size=40), st.data())
def test_rows_are_independent_bit_for_bit(order: list[int], data: st.DataObject) -> None:
    rows = np.array(order, np.intp)
    stream = probabilities(9, len(rows))
    begins = np.array([row not in order[:at] for at, row in enumerate(order)])
    together = Smoother(CONSTANTS, FRAMING, labels=LABELS, rows=4)
    at, in_force = 0, []
    while at < len(rows):
        size = data.draw(st.integers(1, len(rows)))
        part = slice(at, at + size)
        in_force += together.push(rows[part], begins[part], stream[part]).in_force.tolist()
        at += size
    for row in set(order):
        own = rows == row
        alone = Smoother(CONSTANTS, FRAMING, labels=LABELS, rows=4)
        told = alone.push(rows[own], begins[own], stream[own])
        assert np.array(in_force)[own].tolist() == told.in_force.tolist()
        assert np.array_equal(alone.belief(rows[own]), together.belief(rows[own]))
        assert np.array_equal(alone._past[row], together._past[row])  # noqa: SLF001 - bits, not labels


def test_who_resumes_has_nothing_of_the_window_before() -> None:
    stream, row = probabilities(5, 4), np.zeros(1, np.intp)
    used, fresh = (Smoother(CONSTANTS, FRAMING, labels=LABELS, rows=1) for _ in range(2))
    used.push(np.zeros(3, np.intp), np.arange(3) == 0, stream[:3])
    believed = stream[:1].astype(np.float64)
    for smoother in (used, fresh):
        smoother.resume(row, believed, np.ones(1, np.int64))
        assert np.array_equal(smoother.belief(row), believed)
        assert smoother.push(row, np.array([False]), stream[3:]).settled.tolist() == [NONE]
    assert np.array_equal(used.belief(row), fresh.belief(row))


def test_laps_take_each_rows_windows_in_turn() -> None:
    assert [np.arange(5)[lap].tolist() for lap in laps(np.array([2, 0, 2, 2, 0]))] == [[0, 1], [2, 4], [3]]
    assert laps(np.array([], np.intp)) == []
