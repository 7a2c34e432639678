"""The stages' clock: time goes to who spends it, and afterwards everything is as it was."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from har_stream.bench import stages
from har_stream.bench.fleet import Fleet
from har_stream.bench.inner import InnerStream
from har_stream.bench.stages import OTHER, StageClock, stage_shares, timed
from tests.motion import model

NAP_S = 0.02


class Outer:
    def given(self, inner: Inner) -> Iterator[int]:
        for number in range(3):
            time.sleep(NAP_S)
            yield number + inner.work()

    def fail(self) -> None:
        raise ValueError


class Inner:
    def work(self) -> int:
        time.sleep(2 * NAP_S)
        return 1


def test_a_stage_is_charged_its_own_time_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stages, "STAGES", (("outer", Outer), ("inner", Inner)))
    kept = vars(Outer)["given"], vars(Inner)["work"]
    clock = StageClock()
    with timed(clock):
        taken = []
        for number in Outer().given(Inner()):
            time.sleep(3 * NAP_S)  # the taker's own
            taken.append(number)
        with pytest.raises(ValueError, match=r"^$"):
            Outer().fail()
        clock.enter(OTHER)
        clock.leave()
    assert taken == [1, 2, 3]
    assert clock.spent_s["outer"] >= 3 * NAP_S
    assert clock.spent_s["inner"] >= 6 * NAP_S
    assert clock.spent_s[OTHER] >= 9 * NAP_S
    assert (vars(Outer)["given"], vars(Inner)["work"]) == kept


def test_shares_are_of_all_stages_and_one_in_all() -> None:
    manifest, classifier = model()
    stream = InnerStream(Fleet(20, manifest.framing), manifest, classifier)
    stream.warm_up()
    shares = stage_shares(stream, 0.2)
    assert shares.keys() == {stage for stage, _ in stages.STAGES} | {OTHER}
    assert all(share > 0 for share in shares.values())
    assert sum(shares.values()) == pytest.approx(1)


def test_a_fleet_has_windows_of_every_device_evenly_in_time() -> None:
    manifest, classifier = model()
    stream = InnerStream(Fleet(64, manifest.framing), manifest, classifier)
    stream.warm_up()
    before, used = stream.predictions, stream.accounting.used
    counts: list[int] = []
    for _ in range(64):
        stream.push(stream.fleet.round())
        counts.append(stream.predictions - before - sum(counts))
    assert set(counts) == {25}
    assert stream.accounting.used - used == 64 * 64 * 25
    assert not stream.accounting.refused
    assert not stream.accounting.dropped
