"""Batches: many devices' blocks in one array, none lost and none too many together."""

from __future__ import annotations

from itertools import pairwise
from unittest.mock import patch

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from har_stream import batch
from har_stream.batch import packed, turns
from har_stream.samples import FleetBlock


def fleet(first: int, devices: int, samples: int) -> FleetBlock:
    """Devices from a number on, whose every value is the device's own number."""
    numbers = np.arange(first, first + devices)
    values = np.repeat(numbers, samples * 6).reshape(devices, samples, 6).astype(np.float32)
    return FleetBlock([f"d{number}" for number in numbers], numbers * 10, numbers / 2.0, 50.0, values)


@given(fleets=st.lists(st.tuples(st.integers(1, 9), st.sampled_from([3, 5])), max_size=8))
def test_fleets_are_packed_by_their_length(fleets: list[tuple[int, int]]) -> None:
    firsts = np.cumsum([0, *(devices for devices, _ in fleets)]).tolist()
    pairs = [
        (np.arange(first, first + devices), fleet(first, devices, samples))
        for first, (devices, samples) in zip(firsts, fleets, strict=False)
    ]
    with patch.object(batch, "GROUP", 4):
        batches = list(packed(pairs))
    assert sorted(row for one in batches for row in one.rows.tolist()) == list(range(firsts[-1]))
    for one in batches:
        assert len(one.rows) <= 4
        assert (one.values == one.rows[:, np.newaxis, np.newaxis]).all()
        assert one.start_s.tolist() == (one.rows / 2).tolist()
        assert one.truth.shape == one.values.shape[:2]
    for samples in (3, 5):
        alike = [len(one.rows) for one in batches if one.values.shape[1] == samples]
        assert all(first + second > 4 for first, second in pairwise(alike))


@given(rows=st.lists(st.integers(0, 6), max_size=40))
def test_turns_have_each_device_once_and_in_order(rows: list[int]) -> None:
    array = np.array(rows, np.intp)
    with patch.object(batch, "GROUP", 4):
        places = [np.arange(len(rows))[turn].tolist() for turn in turns(array)]
    assert sorted(at for turn in places for at in turn) == list(range(len(rows)))
    for turn in places:
        assert len({rows[at] for at in turn}) == len(turn) <= 4
    for device in set(rows):
        assert [at for turn in places for at in turn if rows[at] == device] == np.flatnonzero(array == device).tolist()


def test_turns_of_different_devices_need_no_copy() -> None:
    assert turns(np.array([5, 3, 8])) == [slice(0, 3)]
