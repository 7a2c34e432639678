"""Whether many messages come."""

from __future__ import annotations

import pytest

from har_stream.mqtt.crowd import MANY, Crowd


@pytest.mark.parametrize(
    ("apart_s", "at_once", "after_s", "comes"),
    [
        (0.001, 1, 0.0, True),
        (0.001, 1, 0.06, False),
        (0.003, 1, 0.0, False),
        (0.019, 10, 0.0, True),
        (0.025, 10, 0.0, False),
        (1.0, 1000, 0.0, True),
        (1.0, 1000, 0.11, False),
    ],
)
def test_many_are_so_many_within_a_tenth_of_a_second(
    monkeypatch: pytest.MonkeyPatch, apart_s: float, at_once: int, after_s: float, *, comes: bool
) -> None:
    now_s = 1000.0
    monkeypatch.setattr("har_stream.mqtt.crowd.time.monotonic", lambda: now_s)
    crowd = Crowd()
    for number in range(0, MANY, at_once):
        assert not crowd.comes
        now_s = 1000.0 + number // at_once * apart_s
        crowd.note(at_once)
    now_s += after_s
    assert crowd.comes == comes
