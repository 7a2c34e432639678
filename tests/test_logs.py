"""What is logged is bounded in number and length, whatever devices are called."""

from __future__ import annotations

import logging

import pytest

from har_stream.logs import LONGEST_LINE, MINUTE_S, MOST_A_MINUTE, Limit, StderrHandler


def handler() -> StderrHandler:
    one = StderrHandler()
    one.addFilter(Limit())
    return one


def record(device: str, created_s: float, line: int = 7) -> logging.LogRecord:
    one = logging.LogRecord("har_stream", logging.WARNING, "place.py", line, "%s: seems wrong", (device,), None)
    one.created = created_s
    return one


def test_from_one_place_only_so_many_lines_a_minute_are_told_and_then_how_many_were_not(
    capsys: pytest.CaptureFixture[str],
) -> None:
    one = handler()
    for number in range(100_000):
        one.handle(record(f"d{number}", 1000.0 + number / 10_000))
    assert len(capsys.readouterr().err.splitlines()) == MOST_A_MINUTE
    one.handle(record("later", 1000.0 + MINUTE_S))
    one.handle(record("last", 1001.0 + MINUTE_S))
    later, last = capsys.readouterr().err.splitlines()
    assert later == f"later: seems wrong ({100_000 - MOST_A_MINUTE} like this were not told)"
    assert last == "last: seems wrong"


def test_another_place_has_lines_of_its_own_and_a_clock_set_back_begins_a_minute(
    capsys: pytest.CaptureFixture[str],
) -> None:
    one = handler()
    for _ in range(MOST_A_MINUTE + 1):
        one.handle(record("a", 1000.0))
    one.handle(record("b", 1000.0, line=8))
    one.handle(record("c", 5.0))
    assert [line[0] for line in capsys.readouterr().err.splitlines()[MOST_A_MINUTE:]] == ["b", "c"]


def test_a_record_is_one_line_that_no_terminal_obeys_and_no_longer_than_it_may_be(
    capsys: pytest.CaptureFixture[str],
) -> None:
    one = handler()
    one.handle(record("x\n\x1b[2J\ud800é", 1000.0))
    one.handle(record("y" * 100_000, 1000.0))
    first, second = capsys.readouterr().err.splitlines()
    assert first == r"x\n\x1b[2J\ud800é: seems wrong"
    assert len(second) == LONGEST_LINE + len(" ...")
