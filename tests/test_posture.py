"""How a body is held, by where gravity points."""

from __future__ import annotations

import numpy as np
import pytest

from har_stream.posture import posture


@pytest.mark.parametrize(
    ("gravity", "name", "angle_deg"),
    [([1.0, 0.0, 0.0], "upright", 0), ([0.8, 0.0, 0.6], "leaning", 37), ([0.1, 0.5, 0.86], "lying", 84)],
)
def test_it_is_told_from_the_angle_to_the_waists_up(gravity: list[float], name: str, angle_deg: int) -> None:
    told, angle = posture(np.array(gravity))
    assert (told, round(angle)) == (name, angle_deg)


def test_a_device_that_sits_otherwise_is_told_by_what_walking_taught() -> None:
    assert posture(np.array([0.0, 0.98, 0.1]), np.array([0.0, 1.0, 0.0]))[0] == "upright"
    assert posture(np.array([1.0, 0.0, 0.0]), np.array([0.0, 1.0, 0.0]))[0] == "lying"


def test_no_gravity_at_all_is_no_fault() -> None:
    assert posture(np.zeros(3))[0] in {"upright", "leaning", "lying"}
