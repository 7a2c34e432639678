"""Every fault has tests, every test a fault, and the page tells of all of them."""

from __future__ import annotations

import re
from pathlib import Path

from har_stream.settings import IntakeSettings, MqttSettings, QueueSettings
from har_stream.sources.serial_line import STALE_S
from tests.faults.catalogue import FAULTS, row_of
from tests.faults.table import BEGIN, END, HEADER, Outcome, summary

HERE = Path(__file__).parent
PAGE = HERE.parent.parent / "docs" / "RELIABILITY.md"


def test_every_fault_has_tests_and_every_test_a_fault() -> None:
    names = [
        name
        for path in HERE.glob("test_*_*.py")
        for name in re.findall(r"^def (test_\w+)", path.read_text(), re.MULTILINE)
    ]
    assert {row_of(name) for name in names} == set(range(1, len(FAULTS) + 1))
    assert len(FAULTS) == 25


def test_the_figures_that_the_page_states_are_the_defaults() -> None:
    mqtt = MqttSettings()
    assert (mqtt.keepalive_s, mqtt.backoff_min_s, mqtt.backoff_max_s) == (15, 1, 30)
    assert QueueSettings().labels == 10_000
    assert IntakeSettings().max_devices == 64
    assert STALE_S == mqtt.stale_after_s == 5


def test_the_page_tells_of_every_fault_as_the_tests_have_it() -> None:
    _, _, rest = PAGE.read_text().partition(BEGIN)
    table, end, _ = rest.partition(END)
    assert end
    assert HEADER in table
    for number, fault in enumerate(FAULTS, 1):
        (row,) = re.findall(rf"^\| {number} \| (.*) \|$", table, re.MULTILINE)
        assert row.startswith(f"{fault.what} | {fault.outcome} | ")


def test_an_outcome_says_what_failed_and_why_something_was_skipped() -> None:
    assert Outcome().verdict == "none ran"
    assert Outcome(passed=2).verdict == "2 hold"
    assert Outcome(1, 1, ["no veth", "no veth"]).verdict == "1 hold, **1 fail**, 2 skipped: no veth"


def test_the_summary_counts_the_tests_of_all_rows() -> None:
    told = summary("| 1 | a | b | 2 hold, **1 fail** | | x |\n| 2 | a | b | 3 hold, 2 skipped: no veth | | x |")
    assert told.startswith("5 tests hold, 1 fail, 2 are skipped.")
