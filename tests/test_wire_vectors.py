"""The table of cases, checked in both languages: whole, byte by byte and after garbage."""

from __future__ import annotations

import json
from typing import Any

import pytest

from firmware_bridge.decode import Decoder
from firmware_bridge.encode import encode
from firmware_bridge.protocol import Corrupt, Sample, SessionInfo, Status
from firmware_bridge.vectors import VECTORS, frame_from_json, table
from tests.wire_c import C_FOLDER, WireC, comparable, compile_c

CASES = [json.loads(line) for line in VECTORS.read_text(encoding="utf-8").splitlines()]
GARBAGE = bytes(range(1, 256)) * 5
every_case = pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])


@pytest.fixture(scope="module")
def wire_c(tmp_path_factory: pytest.TempPathFactory) -> WireC:
    return WireC(compile_c(tmp_path_factory.mktemp("wire")))


def receivers(wire_c: WireC) -> tuple[Decoder, WireC]:
    wire_c.restart()
    return Decoder(), wire_c


def expected(case: dict[str, Any]) -> list[str]:
    return comparable(frame_from_json(frame) for frame in case["frames"])


def test_the_table_is_what_its_script_prints() -> None:
    assert VECTORS.read_text(encoding="utf-8").splitlines() == list(table())


def test_the_table_has_every_status() -> None:
    frames = [frame_from_json(frame) for case in CASES for frame in case["frames"]]
    assert {frame.status for frame in frames if isinstance(frame, Corrupt)} == set(Status)


def test_statuses_are_numbered_alike_in_c() -> None:
    header = (C_FOLDER / "har_wire.h").read_text()
    assert all(f"HAR_{status.name} = {status.value}" in header for status in Status)


@every_case
def test_whole(case: dict[str, Any], wire_c: WireC) -> None:
    for receiver in receivers(wire_c):
        assert comparable(receiver.push(bytes.fromhex(case["hex"]))) == expected(case)


@every_case
def test_byte_by_byte(case: dict[str, Any], wire_c: WireC) -> None:
    for receiver in receivers(wire_c):
        pushed = [receiver.push(bytes([byte])) for byte in bytes.fromhex(case["hex"])]
        assert comparable(frame for frames in pushed for frame in frames) == expected(case)


@every_case
def test_after_garbage(case: dict[str, Any], wire_c: WireC) -> None:
    for receiver in receivers(wire_c):
        garbage, *frames = receiver.push(GARBAGE + b"\0" + bytes.fromhex(case["hex"]))
        assert garbage == Corrupt(Status.OVERSIZE, len(GARBAGE))
        assert comparable(frames) == expected(case)


@pytest.mark.parametrize("case", [case for case in CASES if "crc" in case], ids=lambda case: str(case["name"]))
def test_encoders_give_just_these_bytes(case: dict[str, Any], wire_c: WireC) -> None:
    message = frame_from_json(case["frames"][0])
    assert isinstance(message, SessionInfo | Sample)
    assert encode(message, crc=case["crc"]).hex() == case["hex"]
    assert wire_c.encode(message, crc=case["crc"]).hex() == case["hex"]
