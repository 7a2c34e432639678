"""Plausibility: each wrong unit is named, right ones are left in peace, and nothing is said on a single window."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from har_stream.accounting import Accounting
from har_stream.datasets import Hapt, Selection, open_data_set
from har_stream.pipeline import Pipeline
from har_stream.plausibility import IN_A_ROW, Plausibility, Suspicion, suspicion_of_refused
from har_stream.profiles import G
from har_stream.samples import Rows, Samples
from tests.motion import block, pipeline
from tests.turned_walk import simulated


def judged(values: Samples) -> list[tuple[str, Suspicion]]:
    """What a pipeline has to say of a device's samples, in blocks of half a second."""
    stream: Pipeline = pipeline(Accounting())
    for start in range(0, len(values), 25):
        stream.push([block(values[start : start + 25], start)], 0.0)
    return stream.news()


def activity(script: str) -> Samples:
    return simulated(script)


WRONG = {
    Suspicion.ACC_MS2: ([G, 1.0], "sitting:20"),
    Suspicion.ACC_TENTH: ([1 / G, 1.0], "walking:20"),
    Suspicion.GYRO_DEGREES: ([1.0, 57.3], "walking:20"),
    Suspicion.GYRO_RADIANS: ([1.0, 1 / 57.3], "walking:20"),
    Suspicion.NO_GYRO: ([1.0, 0.0], "walking:20"),
    Suspicion.ACC_OFF: ([3.0, 1.0], "standing:20"),
    Suspicion.ACC_MG: ([1000.0, 1.0], "sitting:20"),
    Suspicion.RAW: ([16384.0, 131 * 57.3], "sitting:20"),
}


@pytest.mark.parametrize("suspicion", WRONG)
def test_a_wrong_unit_is_named(suspicion: Suspicion) -> None:
    (acc, gyro), script = WRONG[suspicion]
    factors = np.repeat(np.array([acc, gyro], np.float32), 3)
    assert judged(activity(script) * factors)[0] == ("a", suspicion)


@pytest.mark.parametrize("script", ["walking:20", "sitting:20", "laying:20", "walking_downstairs:20"])
def test_missing_gravity_is_named(script: str) -> None:
    values = activity(script).copy()
    values[:, :3] -= values[:, :3].mean(axis=0)
    assert judged(values) == [("a", Suspicion.NO_GRAVITY)]


@pytest.mark.parametrize("script", ["walking:20", "sitting:20,walking:10,laying:20", "walking_upstairs:20,standing:20"])
def test_nothing_is_said_of_samples_in_the_right_units(script: str) -> None:
    assert judged(activity(script)) == []


def test_nothing_is_said_of_any_volunteer(hapt_zip: Path) -> None:
    data_set = open_data_set(hapt_zip)
    assert isinstance(data_set, Hapt)
    for recording in data_set.recordings(Selection("train", frozenset([1, 7, 19, 26]))):
        assert judged(recording.values) == []


def test_what_was_said_is_taken_back_when_the_samples_are_right() -> None:
    right = activity("sitting:40")
    values = right.copy()
    values[:1000] *= np.repeat(np.array([G, 1.0], np.float32), 3)
    assert judged(values) == [("a", Suspicion.ACC_MS2), ("a", Suspicion.NONE)]


def test_one_strange_window_is_not_enough() -> None:
    plausibility, row = Plausibility(rows=1), np.zeros(1, np.intp)
    strange, right = np.zeros((1, 128, 9), np.float32), np.zeros((1, 128, 9), np.float32)
    right[:, :, 6] = 1.0
    for _ in range(5):
        for window in (strange, strange, right):
            assert plausibility.check(row, window) == []
    for _ in range(IN_A_ROW - 1):
        assert plausibility.check(row, strange) == []
    assert plausibility.check(row, strange) == [(0, Suspicion.NO_GRAVITY)]
    plausibility.forget(0)
    assert plausibility.said(0) == Suspicion.NONE


def test_a_blow_that_is_out_of_range_is_no_wrong_unit() -> None:
    values = np.zeros((25, 6), np.float32)
    values[:, 0] = 4.0
    values[3, 0] = 40.0
    assert suspicion_of_refused(values) == Suspicion.NONE


def test_what_is_taken_back_while_somebody_looks_is_seen_as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    plausibility, look = Plausibility(rows=2), np.flatnonzero
    for _ in range(IN_A_ROW):
        plausibility.check(np.array([1]), np.zeros((1, 128, 9), np.float32))

    def take_back(said: NDArray[np.int8]) -> Rows:
        found = look(said)
        plausibility.forget(1)
        return found

    monkeypatch.setattr("har_stream.plausibility.np.flatnonzero", take_back)
    assert plausibility.suspected() == {1: Suspicion.NO_GRAVITY}
    assert plausibility.suspected() == {}
