"""Writes what became of every fault into docs/RELIABILITY.md.

HAR_STREAM_FAULTS=full pytest -p tests.faults.table --faults-table docs/RELIABILITY.md tests/faults
"""

from __future__ import annotations

import os
import platform
import re
import time
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import pytest

from har_stream import __version__
from tests.faults.catalogue import FAULTS, Fault, row_of
from tests.faults.length import FULL

OPTION: Final = "--faults-table"
BEGIN: Final = "<!-- what `make faults` writes begins here -->"
END: Final = "<!-- and ends here -->"
HEADER: Final = "| | fault | what holds | tests | measured | run |\n| --- | --- | --- | --- | --- | --- |"


@dataclass
class Outcome:
    """What became of a fault's tests."""

    passed: int = 0
    failed: int = 0
    skipped: list[str] = field(default_factory=list)
    measured: list[str] = field(default_factory=list)

    @property
    def verdict(self) -> str:
        """Return what to say of its tests."""
        told = [f"{self.passed} hold"] if self.passed else []
        told += [f"**{self.failed} fail**"] if self.failed else []
        told += [f"{len(self.skipped)} skipped: {'; '.join(sorted(set(self.skipped)))}"] if self.skipped else []
        return ", ".join(told) or "none ran"


class Table:
    """Gathers the outcomes of a run."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._outcomes: dict[int, Outcome] = defaultdict(Outcome)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Note how a test went."""
        row = row_of(report.location[2])
        if row is None:
            return
        outcome = self._outcomes[row]
        if report.failed:
            outcome.failed += 1
        elif report.skipped and isinstance(report.longrepr, tuple):
            outcome.skipped.append(report.longrepr[2].removeprefix("Skipped: "))
        elif report.when == "call":
            outcome.passed += 1
            outcome.measured += [str(value) for name, value in report.user_properties if name == "measured"]

    def pytest_sessionfinish(self) -> None:
        """Put the table into the page; faults whose tests did not run keep what it says of them."""
        before, _, rest = self._path.read_text().partition(BEGIN)
        told, _, after = rest.partition(END)
        rows = self._rows(told)
        self._path.write_text(f"{before}{BEGIN}\n{summary(rows)}\n\n{HEADER}\n{rows}\n{END}{after}")

    def _rows(self, told: str) -> str:
        lines, kind = [], ""
        for number, fault in enumerate(FAULTS, 1):
            if fault.kind != kind:
                kind = fault.kind
                lines.append(f"| | **{kind}** | | | | |")
            kept = re.search(rf"^\| {number} \|.*$", told, re.MULTILINE)
            lines.append(kept[0] if kept and number not in self._outcomes else self._row(number, fault))
        return "\n".join(lines)

    def _row(self, number: int, fault: Fault) -> str:
        outcome = self._outcomes[number]
        run = f"{time.strftime('%Y-%m-%d')}, {'full' if FULL else 'short'}"
        measured = "; ".join(outcome.measured)
        return f"| {number} | {fault.what} | {fault.outcome} | {outcome.verdict} | {measured} | {run} |"


def summary(rows: str) -> str:
    """Return how many tests stand behind rows, and on what they ran last."""
    passed, failed, skipped = (
        sum(map(int, re.findall(rf"(\d+) {word}", rows))) for word in ("hold", "fail", "skipped")
    )
    return (
        f"{passed} tests hold, {failed} fail, {skipped} are skipped. Last run by `make faults` on "
        f"{time.strftime('%Y-%m-%d')}: har-stream {__version__}, Python {platform.python_version()}, Linux on "
        f"{platform.machine()}, {os.cpu_count()} cores."
    )


def pytest_addoption(parser: pytest.Parser) -> None:
    """Take the page that the table goes to."""
    parser.addoption(OPTION, type=Path, help="a page into which the outcomes of faults are written")


def pytest_configure(config: pytest.Config) -> None:
    """Gather outcomes where a page was given, in the process to which all workers tell theirs."""
    path: Path | None = config.getoption(OPTION)
    if path is not None and not hasattr(config, "workerinput"):
        config.pluginmanager.register(Table(path))
