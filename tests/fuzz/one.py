"""Runs one fuzz target under Atheris: python -m tests.fuzz.one TARGET [libFuzzer's options and folders or files]."""

from __future__ import annotations

import sys
from typing import Final

import atheris

with atheris.instrument_imports(include=["har_stream", "firmware_bridge", "tomllib", "training"]):
    from tests.fuzz.limits import limits
    from tests.fuzz.targets import TARGETS

PLANTED: Final = "planted"


def planted(data: bytes) -> None:
    """Hold a defect that bytes by chance do not reach, but a fuzzer that sees what is covered does."""
    for at, byte in enumerate(b"HAR!"):
        if data[at : at + 1] != bytes([byte]):
            return
    raise IndexError("planted")


def main(name: str, options: list[str]) -> None:
    """Fuzz until libFuzzer's options say that it is enough."""
    take = atheris.instrument_func(planted) if name == PLANTED else TARGETS[name].take

    def take_limited(data: bytes) -> None:
        with limits():
            take(data)

    atheris.Setup([f"{__file__} {name}", *options], take_limited)
    atheris.Fuzz()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
