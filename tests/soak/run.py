"""Lets two real streams run among faults, and tells whether anything was lost or grew: make soak.

    python -m tests.soak.run [--minutes 10] [--seed 1] [--devices 40] [--json build/soak.json]

Exit code 1 where a claim does not hold.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from tests.soak import verdict
from tests.soak.faults import FAULTS
from tests.soak.rig import Rig

S_A_MINUTE: Final = 60
QUIET_ROUNDS: Final = 2
Looks = dict[str, list[tuple[float, Mapping[str, float]]]]


def soak(rig: Rig, minutes: float, done: Counter[str]) -> list[verdict.Claim]:
    """Run for so long, every fault at least once; return what was found."""
    for stream in rig.streams:
        stream.wait_until_ready()
    rig.recover()
    looks: Looks = {stream.name: [] for stream in rig.streams}
    until_s = time.monotonic() + minutes * S_A_MINUTE
    for name in _faults(rig, until_s):
        FAULTS[name](rig)
        rig.recover()
        for _ in range(QUIET_ROUNDS):
            rig.quiet_round("plain")
            for stream in rig.streams:
                looks[stream.name].append((time.monotonic(), stream.usage()))
        done[name] += 1
    return _verdict(rig, looks)


def _faults(rig: Rig, until_s: float) -> Iterator[str]:
    """Yield the names of faults, each once before any comes again."""
    first = True
    while first or time.monotonic() < until_s:
        names = list(FAULTS)
        rig.dice.shuffle(names)
        for name in names:
            if first or time.monotonic() < until_s:
                yield name
        first = False


def _verdict(rig: Rig, looks: Looks) -> list[verdict.Claim]:
    rig.caught_up()
    dropped = {stream.name: stream.metrics() for stream in rig.streams}
    told = {stream.name: stream.end() for stream in rig.streams}
    published = rig.published()
    claims = []
    for stream in rig.streams:
        values = dropped[stream.name].values
        lost = sum(count for (name, labels), count in values.items() if _is_dropped(name, labels))
        claims += verdict.of_books(stream, rig, told[stream.name])
        claims += verdict.of_labels(stream, published, {"dropped": lost})
        claims += verdict.of_usage(stream.name, looks[stream.name])
    return claims


def _is_dropped(name: str, labels: frozenset[tuple[str, str]]) -> bool:
    return name == "har_stream_sink_labels_total" and ("outcome", "dropped") in labels


def main() -> int:
    """Soak as the command line says."""
    parser = argparse.ArgumentParser(prog="python -m tests.soak.run", description="Run two streams among faults.")
    parser.add_argument("--minutes", type=float, default=10, help="default: %(default)g, but each fault once")
    parser.add_argument("--seed", type=int, default=1, help="of the order of faults (default: %(default)s)")
    parser.add_argument("--pause", type=float, default=0.5, help="s after each second of motion (default: %(default)g)")
    parser.add_argument("--devices", type=int, default=40, help="on the broker (default: %(default)s)")
    parser.add_argument("--json", type=Path, help="where to write the result for machines")
    words = parser.parse_args()
    done: Counter[str] = Counter()
    with TemporaryDirectory() as folder:
        rig = Rig(Path(folder), devices=words.devices, seed=words.seed, pause_s=words.pause)
        with closing(rig):
            claims = soak(rig, words.minutes, done)
    result = verdict.as_json(claims, done, minutes=words.minutes, seed=words.seed, devices=words.devices)
    if words.json:
        words.json.parent.mkdir(parents=True, exist_ok=True)
        words.json.write_text(json.dumps(result, indent=1) + "\n", "utf-8")
    befell = ", ".join(f"{name} {times}" for name, times in done.items())
    sys.stdout.write(f"faults: {befell}\n\n{verdict.table(claims)}\n")
    return int(not result["holds"])


if __name__ == "__main__":
    sys.exit(main())
