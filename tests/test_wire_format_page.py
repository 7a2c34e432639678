"""What WIRE_FORMAT.md tells is so: its frames, its largest frames, its statuses."""

from __future__ import annotations

import re
from itertools import groupby
from pathlib import Path

from firmware_bridge.decode import Decoder
from firmware_bridge.encode import encode
from firmware_bridge.protocol import FRAME_MAX, Sample, SessionInfo, Status

PAGE = Path(__file__).parents[1] / "firmware_bridge" / "WIRE_FORMAT.md"
HEX_LINE = re.compile(r"    ((?:[0-9a-f]{2} )*[0-9a-f]{2})(?: {2,}.*)?")


def annotated_frames() -> list[bytes]:
    lines = [HEX_LINE.fullmatch(line) for line in PAGE.read_text(encoding="utf-8").splitlines()]
    blocks = [list(block) for is_hex, block in groupby(lines, key=bool) if is_hex]
    return [bytes.fromhex(" ".join(line[1] for line in block if line)) for block in blocks]


def test_its_frames_are_what_it_says_they_are() -> None:
    session = SessionInfo(0x12345678, 50, ("ax", "ay", "az", "gx", "gy", "gz"), 1, 0, "har-imu")
    sample = Sample(258, 5160, (0.5, -9.75, 1.0, 0.0, -0.25, 2.0))
    frames = annotated_frames()
    assert Decoder().push(b"".join(frames)) == [session, sample]
    assert frames == [encode(session), encode(sample)]
    page = PAGE.read_text(encoding="utf-8")
    assert [f"of {len(frame) - 1} bytes:" in page for frame in frames] == [True, True]


def test_its_largest_frames_are_the_largest() -> None:
    session = SessionInfo(2**32 - 1, 65535, ("12345",) * 16, 255, 2**32 - 1, "n" * 31)
    sample = Sample(2**32 - 1, 2**32 - 1, (1 / 3,) * 16)
    page = " ".join(PAGE.read_text(encoding="utf-8").split())
    assert f"at most **{FRAME_MAX} bytes**" in page
    assert f"largest session info has {len(encode(session)) - 1}, the largest sample" in page
    assert f"sample of float32 {len(encode(sample)) - 1}." in page


def test_it_lists_every_status_with_its_number() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert all(f"| `{status.name}` | {status.value} |" in page for status in Status)
