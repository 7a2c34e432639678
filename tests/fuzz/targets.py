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
    """Takes one input, and raises where it has found a defect.

    reaches names the modules whose lines and branches are looked at, longest is the most bytes of an input.
    """

    take: Callable[[bytes], None]
    reaches: tuple[str, ...]
    longest: int = 4096


TARGETS: Final[Mapping[str, Target]] = {
    "frames": Target(
        stream_targets.frames,
        ("firmware_bridge/decode.py", "har_stream/formats/frames.py", "har_stream/formats/detection.py"),
        2048,
    ),
    "json": Target(
        stream_targets.json_payloads,
        (
            *("har_stream/formats/json_text.py", "har_stream/formats/json_blocks.py", "har_stream/formats/uniform.py"),
            *(f"har_stream/formats/{app}.py" for app in ("phyphox", "sensor_logger", "sensor_server")),
            "har_stream/alignment.py",
        ),
    ),
    "cbor": Target(stream_targets.cbor_payloads, ("har_stream/formats/cbor_*.py", "har_stream/formats/uniform.py")),
    "lines": Target(stream_targets.text_lines, ("har_stream/formats/lines.py", "har_stream/arrival_clock.py"), 2048),
    "witmotion": Target(stream_targets.witmotion, ("har_stream/formats/witmotion.py",), 1024),
    "topics": Target(
        stream_targets.topics,
        ("har_stream/sources/topics.py", "har_stream/uri.py", "har_stream/home_assistant/identity.py"),
    ),
    "config": Target(file_targets.configuration, ("har_stream/configuration.py", "har_stream/profiles.py")),
    "uci_har": Target(file_targets.uci_har, ("har_stream/datasets/uci_har.py", "har_stream/datasets/text_table.py")),
    "hapt": Target(file_targets.hapt, ("har_stream/datasets/hapt.py", "har_stream/datasets/files.py")),
    "recordings": Target(file_targets.recordings, ("har_stream/datasets/recording*.py", "har_stream/datasets/torn.py")),
    "state": Target(file_targets.state, ("har_stream/state.py",)),
    "standings": Target(file_targets.standings, ("har_stream/standings.py",)),
    "onnx": Target(file_targets.onnx, ("har_stream/onnx_file.py",)),
}
