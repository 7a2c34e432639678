"""Strips of memory: what was put last lies there, and nothing of a neighbour."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from har_stream.strips import Strips

LENGTH, ITEM = 9, 3
STEPS = st.lists(
    st.tuples(
        st.lists(st.integers(0, 4), min_size=1, max_size=5, unique=True),
        st.integers(0, LENGTH),
        st.lists(st.integers(0, LENGTH), min_size=5, max_size=5),
    ),
    max_size=12,
)


@given(steps=STEPS)
def test_pieces_are_got_as_they_were_put(steps: list[tuple[list[int], int, list[int]]]) -> None:
    strips, wanted = Strips(5, LENGTH, np.uint8, (ITEM,)), np.zeros((5, LENGTH, ITEM), np.uint8)
    for number, (lanes, count, places) in enumerate(steps, 1):
        rows, at = np.array(lanes), np.minimum(places[: len(lanes)], LENGTH - count)
        items = (number + np.arange(len(rows) * count * ITEM)).astype(np.uint8).reshape(len(rows), count, ITEM)
        strips.put(rows, at, items)
        for row, place, item in zip(lanes, at.tolist(), items, strict=True):
            wanted[row, place : place + count] = item
        assert strips.get(np.arange(5), 0, LENGTH).tobytes() == wanted.tobytes()
        alone = [strips.get(np.array([row]), 0, LENGTH).tobytes() for row in range(5)]
        assert alone == [one.tobytes() for one in wanted]
