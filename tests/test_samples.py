"""What travels: a fleet is its devices' blocks, in one piece."""

from __future__ import annotations

import numpy as np

from har_stream.samples import FleetBlock, Refused, SampleBlock, count, singly

VALUES = np.arange(3 * 4 * 6, dtype=np.float32).reshape(3, 4, 6)
FLEET = FleetBlock(["a", "b", "c"], np.array([7, 8, 9]), np.array([0.5, 1.5, 2.5]), 50.0, VALUES)


def test_a_fleet_taken_apart_is_a_block_of_each_device() -> None:
    blocks = [block for block in singly([Refused("x", "frame"), FLEET]) if isinstance(block, SampleBlock)]
    assert [(b.device, b.sequence, b.start_s, b.rate_hz) for b in blocks] == [
        ("a", 7, 0.5, 50.0),
        ("b", 8, 1.5, 50.0),
        ("c", 9, 2.5, 50.0),
    ]
    assert all(block.values.tobytes() == values.tobytes() for block, values in zip(blocks, VALUES, strict=True))
    assert FLEET.samples == sum(block.samples for block in blocks) == 12
    assert count([Refused("x", "frame"), FLEET]) == 4


def test_some_of_a_fleet_are_a_fleet() -> None:
    some = FLEET.only(np.array([True, False, True]))
    assert (some.devices, some.sequence.tolist(), some.start_s.tolist()) == (["a", "c"], [7, 9], [0.5, 2.5])
    assert some.values.tobytes() == VALUES[[0, 2]].tobytes()
