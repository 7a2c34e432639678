"""How many devices are tried through a broker: more and more, then what lies between enough and too many."""

from __future__ import annotations

import math

import msgspec
import pytest

from har_stream.bench import daemon_process, through_broker
from har_stream.bench.daemon_process import DaemonProcess
from har_stream.bench.figures import BrokerLoad, NotMeasured
from har_stream.sources.shedding import FORGOTTEN_S

TOLD = "har_stream_samples_in_total 7.0\n"


@pytest.mark.parametrize("most", [1.0, 1.5, 5.0, 7.9, 20.0])
def test_halvings_come_near_to_what_arrives(most: float) -> None:
    def attempt(speed: float) -> BrokerLoad:
        return BrokerLoad(100, speed, sent=1000, received=1000 if speed <= most else 900)

    found = through_broker._search(attempt, 6, 3)  # noqa: SLF001
    arrived = max(step.speed for step in found if step.received == step.sent)
    assert arrived <= most < 2 ** (1 / 8) * arrived * (1 + 1e-9)
    assert len(found) == 2 + math.floor(math.log2(most)) + 3


def test_where_all_arrives_or_nothing_ever_does_there_is_nothing_between() -> None:
    def attempt(speed: float, share: float) -> BrokerLoad:
        return BrokerLoad(100, speed, sent=1000, received=round(1000 * share))

    def speeds(share: float) -> list[float]:
        return [step.speed for step in through_broker._search(lambda speed: attempt(speed, share), 3, 2)]  # noqa: SLF001

    assert speeds(1.0) == [1.0, 2.0, 4.0]
    assert speeds(0.5) == [1.0]


def test_a_step_in_which_something_was_lost_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    received = iter([900, 1000])
    paused_s: list[float] = []

    def step(_daemon: object, _uri: str, load: BrokerLoad, *_: object) -> BrokerLoad:
        return msgspec.structs.replace(load, sent=1000, received=next(received))

    monkeypatch.setattr(through_broker, "_step", step)
    monkeypatch.setattr("har_stream.bench.through_broker.time.sleep", paused_s.append)
    found = through_broker._try(None, "", BrokerLoad(10, 1.0), 2.0, 50.0)  # type: ignore[arg-type]  # noqa: SLF001
    assert found.received == 1000
    assert paused_s == [FORGOTTEN_S]


class Answers(DaemonProcess):
    """A har-stream without a process, that is asked for a page and says what the test has it say."""

    def __init__(self, *answers: str | None) -> None:
        self._answers = list(answers)
        self.longest_answer_s = 0.0

    def check(self) -> None:
        """It runs."""

    def _get(self, page: str) -> str | None:
        assert page == "metrics"
        return self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]


def test_books_are_asked_for_again_where_the_answer_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    daemon = Answers(None, None, TOLD)
    assert daemon.books() == {"in": 7.0}
    assert daemon.longest_answer_s >= 2 * daemon_process.POLL_S
    monkeypatch.setattr(daemon_process, "ANSWER_S", 0.1)
    with pytest.raises(NotMeasured, match="does not answer for its books"):
        Answers(None).books()
