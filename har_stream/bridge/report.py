"""What a command tells of its work on stderr: lines for people on a terminal, JSON lines elsewhere."""

from __future__ import annotations

import sys
from typing import Any

import msgspec


def tell(program: str, facts: dict[str, Any], line: str) -> None:
    """Tell facts: as `line` on a terminal, else as one line of JSON."""
    if sys.stderr.isatty():
        print(f"{program}: {line}", file=sys.stderr, flush=True)  # noqa: T201 - the answer of a command
    else:
        print(msgspec.json.encode(facts).decode(), file=sys.stderr, flush=True)  # noqa: T201 - as above
