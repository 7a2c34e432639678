"""When the samples of a label will come, told from how its device's samples have come."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from har_stream.cadence import Cadence
from har_stream.denoising import DELAY_SAMPLES
from har_stream.manifest import Framing
from tests.motion import model

FRAMING: Framing = model()[0].framing
HOP_S = FRAMING.hop / FRAMING.rate_hz
DELAY_S = DELAY_SAMPLES / FRAMING.rate_hz
ZERO_S = 1000.0
"""When the device's clock was at zero, by ours."""


def labelled(cadence: Cadence, end_s: float = 0.0) -> None:
    """Bring a block that completes a window; its newest sample is that which the filter looks ahead to."""
    cadence.note(ZERO_S + end_s + DELAY_S, end_s + DELAY_S, end_s)


def steady(cadence: Cadence, samples: int, *, block: int = 1, jitter_s: float = 0.0, drift: float = 0.0) -> float:
    """Bring so many samples after a label; return when the last one would have come without jitter."""
    chance = np.random.default_rng(3)
    for nth in range(1, samples // block + 1):
        newest_s = DELAY_S + nth * block / FRAMING.rate_hz
        due_s = ZERO_S + newest_s * (1 + drift)
        cadence.note(due_s + chance.uniform(-jitter_s, jitter_s), newest_s, None)
    return due_s


def test_nobody_knows_before_there_is_a_label_or_a_pace() -> None:
    cadence = Cadence(FRAMING)
    assert cadence.due_s == math.inf
    cadence.note(ZERO_S, 0.0, None)
    cadence.note(ZERO_S + 0.02, 0.02, None)
    assert cadence.due_s == math.inf
    labelled(cadence, 0.1)
    assert cadence.due_s < math.inf
    assert cadence.early_s > 0  # before any deviation is known


@pytest.mark.parametrize("block", [1, 2, 7, 16])
@pytest.mark.parametrize("left", [1, 2, 30])
def test_the_block_with_the_last_sample_of_the_next_window_is_told_however_far_off(block: int, left: int) -> None:
    cadence = Cadence(FRAMING)
    labelled(cadence)
    brought = (FRAMING.hop - left) // block * block
    if not brought:
        return
    steady(cadence, brought, block=block)
    blocks = math.ceil(FRAMING.hop / block)
    assert cadence.due_s == pytest.approx(ZERO_S + DELAY_S + blocks * block / FRAMING.rate_hz, abs=1e-6)


def test_once_the_window_should_be_complete_nothing_is_expected_until_there_is_a_label() -> None:
    cadence = Cadence(FRAMING)
    labelled(cadence)
    steady(cadence, FRAMING.hop + 1)
    assert cadence.due_s == math.inf
    labelled(cadence, HOP_S + 2 / FRAMING.rate_hz)
    assert cadence.due_s == pytest.approx(ZERO_S + 2 * HOP_S + DELAY_S + 2 / FRAMING.rate_hz)


@given(jitter_s=st.floats(0, 2e-3), drift=st.floats(-2e-3, 2e-3))
def test_it_is_told_within_the_jitter_and_next_to_nothing_comes_earlier(jitter_s: float, drift: float) -> None:
    cadence = Cadence(FRAMING)
    labelled(cadence)
    last_s = steady(cadence, FRAMING.hop - 1, jitter_s=jitter_s, drift=drift)
    due_s = last_s + (1 + drift) / FRAMING.rate_hz
    slack_s = 5e-4
    assert abs(cadence.due_s - due_s) < jitter_s / 2 + slack_s
    assert cadence.due_s - cadence.early_s < due_s - jitter_s / 2 + slack_s
    assert cadence.early_s < 2 * jitter_s + slack_s


@given(
    st.lists(
        st.tuples(st.floats(0, 1), st.floats() | st.floats(0, 0.1), st.none() | st.floats(-1e12, 1e12)), max_size=30
    )
)
def test_whatever_a_devices_clock_tells_there_is_a_time_or_none(
    arrivals: list[tuple[float, float, float | None]],
) -> None:
    cadence = Cadence(FRAMING)
    now_s = ZERO_S
    for passed_s, newest_s, end_s in arrivals:
        now_s += passed_s
        cadence.note(now_s, newest_s, end_s)
        assert cadence.due_s > now_s - 1
        assert 0 <= cadence.early_s < math.inf


def test_a_new_delay_is_followed_however_long_all_was_steady() -> None:
    cadence = Cadence(FRAMING)
    labelled(cadence)
    labels, delay_s = 40, 0.004
    for nth in range(1, labels * FRAMING.hop):
        newest_s = DELAY_S + nth / FRAMING.rate_hz
        late_s = delay_s if nth > (labels - 1) * FRAMING.hop else 0.0
        end_s = newest_s - DELAY_S if nth % FRAMING.hop == 0 else None
        cadence.note(ZERO_S + newest_s + late_s, newest_s, end_s)
    assert cadence.due_s == pytest.approx(ZERO_S + DELAY_S + labels * HOP_S + delay_s, abs=5e-4)


def test_an_outlier_or_a_gap_begins_a_new_cadence() -> None:
    cadence = Cadence(FRAMING)
    labelled(cadence)
    steady(cadence, 20)
    newest_s = DELAY_S + 21 / FRAMING.rate_hz
    cadence.note(ZERO_S + newest_s + 0.015, newest_s, None)
    assert cadence.due_s == pytest.approx(ZERO_S + 0.015 + HOP_S + DELAY_S)
    newest_s += 0.3  # samples were lost
    cadence.note(ZERO_S + newest_s, newest_s, None)
    newest_s += 0.02
    cadence.note(ZERO_S + newest_s, newest_s, None)
    assert cadence.due_s == pytest.approx(ZERO_S + HOP_S + DELAY_S)


def test_a_clock_that_is_set_back_is_no_pace() -> None:
    cadence = Cadence(FRAMING)
    labelled(cadence)
    steady(cadence, 20)
    cadence.note(ZERO_S + 1.0, -5.0, None)
    assert cadence.due_s == math.inf
    cadence.note(ZERO_S + 1.02, -5.0, None)
    assert cadence.due_s == math.inf
