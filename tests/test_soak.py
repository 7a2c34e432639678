"""A short soak, and that a soak which lost something or grew would say so."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from tests.soak.faults import FAULTS
from tests.soak.rig import Ledger, Rig
from tests.soak.stream import SoakedStream
from tests.soak.verdict import GROWTH, as_json, of_books, of_labels, of_usage, table

BOOKS = {"in": 15, "used": 9, "refused": 3, "dropped": 2, "buffered": 1}


def test_nothing_is_lost_or_grows_among_faults(tmp_path: Path) -> None:
    words = ("--minutes", "0.1", "--pause", "0.05", "--devices", "8", "--json", str(tmp_path / "soak.json"))
    done = subprocess.run([sys.executable, "-m", "tests.soak.run", *words], capture_output=True, check=False, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    told = json.loads((tmp_path / "soak.json").read_text("utf-8"))
    assert told["holds"]
    assert set(told["faults"]) == set(FAULTS)
    assert {claim["stream"] for claim in told["claims"]} == {"wireless", "wired"}


def stream(*labels: str) -> SoakedStream:
    return cast("SoakedStream", SimpleNamespace(name="a", labels=list(labels)))


def holds(claims: list[Any]) -> dict[str, bool]:
    return {claim.what: claim.holds for claim in claims}


@pytest.mark.parametrize(
    ("sure", "at_risk", "books", "faults", "expected"),
    [
        (10, 5, BOOKS, [], [True, True]),
        (11, 5, BOOKS, [], [False, True]),
        (10, 5, BOOKS | {"used": 8}, [], [True, False]),
        (10, 5, BOOKS, ["gap: sent 50, -1 came"], [False, True, False]),
    ],
)
def test_books_that_do_not_balance_are_told(
    sure: int, at_risk: int, books: Mapping[str, int], faults: list[str], expected: list[bool]
) -> None:
    ledger = Ledger()
    ledger.sure, ledger.at_risk, ledger.came_at_risk, ledger.faults = sure, 7, at_risk, faults
    rig = cast("Rig", SimpleNamespace(ledgers={"a": ledger}))
    assert [claim.holds for claim in of_books(stream(), rig, books)] == expected


@pytest.mark.parametrize(
    ("labels", "published", "dropped", "broken"),
    [
        (["a-0", "a-1"], ["a-0", "a-1", "a-1", "other"], 0, ""),
        (["a-0", "a-0"], ["a-0"], 0, "ids are unique"),
        ([], [], 0, "ids are unique"),
        (["a-0", "a-1"], ["a-0"], 0, "every label was published"),
        (["a-0", "a-1"], ["a-1", "a-0"], 0, "labels came in order"),
        (["a-0"], ["a-0"], 1, "no sink dropped any"),
    ],
)
def test_labels_that_are_lost_or_out_of_order_are_told(
    labels: list[str], published: list[str], dropped: int, broken: str
) -> None:
    told = holds(of_labels(stream(*labels), published, {"dropped": dropped}))
    assert [what for what, held in told.items() if not held] == [broken] * bool(broken)


@pytest.mark.parametrize("what", GROWTH)
def test_what_grows_is_told(what: str) -> None:
    flat = {"memory_mb": 90.0, "descriptors": 15.0, "threads": 11.0}
    looks = [(10.0 * at, flat) for at in range(40)]
    assert all(claim.holds for claim in of_usage("a", looks))
    warm = [(at_s, flat | {what: flat[what] + 50 * min(at_s, 100)}) for at_s, _ in looks]
    assert all(claim.holds for claim in of_usage("a", warm))
    leaking = [(at_s, flat | {what: flat[what] + GROWTH[what] * at_s / 150}) for at_s, _ in looks]
    assert holds(of_usage("a", leaking)) == {f"{one} flat": one != what for one in GROWTH}
    assert not holds(of_usage("a", looks[:3]))["looked at often enough"]


def test_the_result_is_a_table_and_json() -> None:
    claims = of_labels(stream("a-0"), [], {"dropped": 0})
    assert [line.split()[-1] for line in table(claims).splitlines()] == ["holds", "yes", "NO", "yes", "yes"]
    assert as_json(claims, {"gap": 2}, seed=1) | {"claims": []} == {
        "seed": 1, "holds": False, "faults": {"gap": 2}, "claims": [],
    }  # fmt: skip
