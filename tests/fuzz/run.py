"""Runs the fuzz targets one after the other, and tells what came of it: make fuzz.

    python -m tests.fuzz.run [--seconds 60] [--work build/fuzz] [TARGET ...]

What is found new is kept in the working folder, from which the next run goes on; an input that shows a defect lies
there too. Exit code 1 where there is one. To see one again: python -m tests.fuzz.one TARGET FILE.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.fuzz.targets import CORPUS, TARGETS

PLANTED: Final = "planted"
HANGS_S: Final = 20
"""For what tests.fuzz.limits cannot end: a call into C that never returns."""
GRACE_S: Final = 180
"""For a busy machine to load and instrument everything; what hangs on is ended, and a defect."""
MOST_MB: Final = 512
LINES_TOLD: Final = 25
HEAD: Final = ("target", "executions", "a second", "edges", "covered", "inputs", "peak MB", "outcome")


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a run of a target told, by the last that libFuzzer said of each; covered is a share as text."""

    target: str
    said: str
    code: int
    covered: str

    @property
    def row(self) -> tuple[str, ...]:
        """Return the line of the table."""
        executions, rate = self._number(r"number_of_executed_units: (\d+)"), self._number(r"exec_per_sec: +(\d+)")
        edges, inputs = self._number(r"cov: (\d+)"), self._number(r"corp: (\d+)")
        peak = self._number(r"peak_rss_mb: +(\d+)")
        return (self.target, executions, rate, edges, self.covered, inputs, peak, "DEFECT" if self.code else "none")

    def _number(self, pattern: str) -> str:
        found = re.findall(pattern, self.said)
        return found[-1] if found else "-"


def fuzz(target: str, seconds: float, work: Path) -> Outcome:
    """Fuzz one target for a while; what it finds goes into the working folder."""
    found = work / target
    found.mkdir(parents=True, exist_ok=True)
    longest = TARGETS[target].longest if target in TARGETS else len(PLANTED)
    options = [
        *(f"-max_total_time={seconds:g}", f"-max_len={longest}", f"-timeout={HANGS_S}", f"-rss_limit_mb={MOST_MB}"),
        *(f"-artifact_prefix={found}-", "-print_final_stats=1", str(found)),
        *([str(CORPUS / target)] if (CORPUS / target).is_dir() else []),
    ]
    line = [sys.executable, "-m", "tests.fuzz.one", target, *options]
    try:
        done = subprocess.run(line, capture_output=True, check=False, timeout=seconds + GRACE_S)
    except subprocess.TimeoutExpired as late:
        return Outcome(target, (late.stderr or b"").decode(errors="replace") + "\nhangs", 1, "-")
    covered = "-" if done.returncode else coverage(target, found, work / f".{target}.coverage")
    return Outcome(target, (done.stdout + done.stderr).decode(errors="replace"), done.returncode, covered)


def coverage(target: str, found: Path, data: Path) -> str:
    """Return the share of lines and branches of what a target is to reach that its inputs cover."""
    measure, own = [sys.executable, "-m", "coverage"], f"--data-file={data}"
    reach = f"--include={','.join(TARGETS[target].reaches)}"
    replay = ["-m", "tests.fuzz.replay", target, str(found), str(CORPUS / target)]
    subprocess.run([*measure, "run", "--branch", own, reach, *replay], capture_output=True, check=False)
    done = subprocess.run([*measure, "report", own, reach, "--format=total"], capture_output=True, check=False)
    return f"{done.stdout.decode().strip()} %"


def table(rows: list[tuple[str, ...]]) -> str:
    """Return rows below their head, in columns."""
    widths = [max(map(len, column)) for column in zip(HEAD, *rows, strict=True)]
    return "\n".join("  ".join(map(str.ljust, row, widths)).rstrip() for row in (HEAD, *rows))


def main() -> int:
    """Fuzz what the command line names."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz.run", description="Fuzz what takes foreign bytes.")
    parser.add_argument("targets", nargs="*", metavar="TARGET", help=f"one of {', '.join(TARGETS)}; all by default")
    parser.add_argument("--seconds", type=float, default=60, help="for each target (default: %(default)g)")
    parser.add_argument("--work", type=Path, default=Path("build/fuzz"), help="working folder (default: %(default)s)")
    words = parser.parse_args()
    unknown = set(words.targets) - {*TARGETS, PLANTED}
    if unknown:
        parser.error(f"no target {', '.join(sorted(unknown))}")
    outcomes = []
    for target in words.targets or TARGETS:
        outcomes.append(fuzz(target, words.seconds, words.work))
        if outcomes[-1].code:
            sys.stderr.write("\n".join(outcomes[-1].said.splitlines()[-LINES_TOLD:]) + "\n")
    sys.stdout.write(table([outcome.row for outcome in outcomes]) + "\n")
    return int(any(outcome.code for outcome in outcomes))


if __name__ == "__main__":
    sys.exit(main())
