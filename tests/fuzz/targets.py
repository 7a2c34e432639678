"""The fuzz targets by name, and what of the product each is to reach."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.fuzz import file_targets, stream_targets

CORPUS: Final = Path(__file__).with_name("corpus")


@dataclass(frozen=True, slots=True)
class Target:
    """Takes one input, and raises where it has found a defect; longest is the most bytes of an input."""

    take: Callable[[bytes], None]
    longest: int = 4096


TARGETS: Final[Mapping[str, Target]] = {
    "frames": Target(stream_targets.frames, 2048),
    "json": Target(stream_targets.json_payloads),
    "cbor": Target(stream_targets.cbor_payloads),
    "lines": Target(stream_targets.text_lines, 2048),
    "witmotion": Target(stream_targets.witmotion, 1024),
    "topics": Target(stream_targets.topics),
    "config": Target(file_targets.configuration),
    "uci_har": Target(file_targets.uci_har),
    "hapt": Target(file_targets.hapt),
    "recordings": Target(file_targets.recordings),
    "state": Target(file_targets.state),
}
