"""Delays between attempts: quick at first, then longer, never all alike."""

from __future__ import annotations

from random import Random

import pytest

from har_stream.backoff import Backoff


def backoff(least_s: float = 1, most_s: float = 30, seed: int = 1) -> Backoff:
    return Backoff(least_s=least_s, most_s=most_s, random=Random(seed))  # noqa: S311 - the same delays every time


def test_who_is_away_for_a_moment_is_looked_for_every_few_seconds() -> None:
    one = backoff()
    delays = [one.missed(float(now_s)) for now_s in range(0, 60, 4)]
    assert delays[0] <= 1
    assert max(delays) <= 4


def test_who_stays_away_is_looked_for_ever_less_often() -> None:
    one, now_s, delays = backoff(), 0.0, []
    for _ in range(40):
        delays.append(one.missed(now_s))
        now_s += delays[-1]
    assert 25.5 <= delays[-1] <= 30
    one.reset()
    assert one.missed(now_s) <= 1


def test_who_turns_us_down_is_asked_at_most_twelve_times_in_five_minutes() -> None:
    for seed in range(50):
        one = backoff(seed=seed)
        now_s, attempts = 0.0, 0
        while now_s < 300:
            attempts += 1
            now_s += one.refused()
        assert attempts <= 12


def test_delays_differ() -> None:
    one = backoff(least_s=2, most_s=2)
    delays = {one.missed(0.0) for _ in range(20)}
    assert len(delays) > 10
    assert min(delays) > 1.6


@pytest.mark.parametrize(("least_s", "most_s"), [(10, 30), (30, 5), (1, 1)])
def test_delays_keep_within_what_is_configured(least_s: float, most_s: float) -> None:
    one = backoff(least_s, most_s)
    for now_s in range(200):
        assert 0.85 * min(least_s, most_s) <= one.missed(float(now_s)) <= most_s
