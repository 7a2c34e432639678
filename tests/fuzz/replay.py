"""Gives a fuzz target the inputs of folders, as a fuzzer would: python -m tests.fuzz.replay TARGET FOLDER ..."""

from __future__ import annotations

import sys
from pathlib import Path

from tests.fuzz.limits import limits
from tests.fuzz.targets import TARGETS


class FoundError(Exception):
    """An input shows a defect; the message says which input, the cause which defect."""


def replay(target: str, *folders: Path) -> int:
    """Give a target each file of the folders, and return how many; raises FoundError for the first that it fails at."""
    paths = [path for folder in folders for path in sorted(folder.iterdir()) if path.is_file()]
    for path in paths:
        try:
            with limits():
                TARGETS[target].take(path.read_bytes())
        except BaseException as defect:
            raise FoundError(f"{target}: {path}: {defect!r}") from defect
    return len(paths)


if __name__ == "__main__":
    replay(sys.argv[1], *map(Path, sys.argv[2:]))
