"""The C codec agrees with the Python one on every byte, survives the sanitizers and builds for all its targets."""

from __future__ import annotations

import re
import struct
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware_bridge.decode import Decoder
from firmware_bridge.encode import encode, frame_of
from firmware_bridge.protocol import FRAME_MAX, Corrupt, Sample, SessionInfo
from tests.wire_c import C_FOLDER, CODEC, STRICT, WireC, comparable, compile_c
from tests.wire_frames import MESSAGES, dice, tampered

SAMPLE_ROOM, SESSION_ROOM = 128, 224


@pytest.fixture(scope="module")
def wire_c(tmp_path_factory: pytest.TempPathFactory) -> WireC:
    return WireC(compile_c(tmp_path_factory.mktemp("wire")))


@given(MESSAGES, st.booleans())
def test_both_encoders_give_the_same_bytes(wire_c: WireC, message: SessionInfo | Sample, crc: bool) -> None:  # noqa: FBT001
    assert wire_c.encode(message, crc=crc) == encode(message, crc=crc)


@given(MESSAGES)
def test_a_frame_is_written_whole_or_not_at_all(wire_c: WireC, message: SessionInfo | Sample) -> None:
    frame = encode(message)
    assert len(frame) <= (SESSION_ROOM if isinstance(message, SessionInfo) else SAMPLE_ROOM)
    assert wire_c.encode(message, room=len(frame)) == frame
    assert wire_c.encode(message, room=len(frame) - 1) == b""


def test_what_the_header_says_of_room_is_what_is_tested() -> None:
    header = (C_FOLDER / "har_wire.h").read_text()
    assert all(
        f"{name} = {value}" in header
        for name, value in (
            ("HAR_SAMPLE_ROOM", SAMPLE_ROOM),
            ("HAR_SESSION_ROOM", SESSION_ROOM),
            ("HAR_FRAME_MAX", FRAME_MAX),
        )
    )


def test_the_c_encoder_refuses_what_has_no_frame(wire_c: WireC) -> None:
    assert wire_c.encode(Sample(0, 0, ())) == b""
    assert wire_c.encode(SessionInfo(0, 0, ("a",))) == b""
    assert wire_c.encode(SessionInfo(0, 50, ())) == b""


@given(st.binary(max_size=1500))
def test_both_decoders_say_the_same_of_any_bytes(wire_c: WireC, data: bytes) -> None:
    wire_c.restart()
    assert comparable(wire_c.push(data + b"\0")) == comparable(Decoder().push(data + b"\0"))


@given(st.integers(0, 2**32))
def test_both_decoders_say_the_same_of_tampered_messages(wire_c: WireC, seed: int) -> None:
    rng = dice(seed)
    wire_c.restart()
    decoder = Decoder()
    for _ in range(40):
        stream = tampered(rng)
        assert comparable(wire_c.push(stream)) == comparable(decoder.push(stream)), stream.hex()


@given(st.floats(), st.floats(width=16), st.floats(width=32))
def test_floats_of_every_width_become_the_same_float32(wire_c: WireC, wide: float, half: float, single: float) -> None:
    values = struct.pack(">BdBeBf", 0xFB, wide, 0xF9, half, 0xFA, single)
    message = bytes.fromhex("a2 6174 627364 6164 a3 63736571 05 627473 1864 6376616c 83") + values
    wire_c.restart()
    assert comparable(wire_c.push(frame_of(message))) == comparable(Decoder().push(frame_of(message)))


def test_the_sanitizers_find_nothing_in_hostile_streams(tmp_path: Path) -> None:
    program = tmp_path / "hostile_stream"
    source = Path(__file__).with_name("hostile_stream.c")
    sanitizers = ("-g", "-O1", "-fsanitize=address,undefined", "-fno-sanitize-recover=all")
    sources = [str(source), str(CODEC)]
    subprocess.run(["gcc", *STRICT, *sanitizers, f"-I{C_FOLDER}", *sources, "-o", str(program)], check=True)
    rng = dice(1)
    streams = [tampered(rng) for _ in range(4000)]
    cut = [stream[: rng.randrange(len(stream))] + b"\0" for stream in streams[:1000]]
    noise = [rng.randbytes(rng.randrange(600)) + b"\0" for _ in range(300)]
    stream = b"".join([*streams, *cut, *noise])
    done = subprocess.run([str(program)], input=stream, capture_output=True, check=True)
    good, corrupt = map(int, done.stdout.split())
    whole = Decoder().push(stream)
    assert not done.stderr
    assert good > sum(not isinstance(frame, Corrupt) for frame in whole) > 1000
    assert corrupt > sum(isinstance(frame, Corrupt) for frame in whole) > 2000


def test_it_builds_without_a_warning_for_pc_avr_and_arm_and_sending_alone_stays_small(tmp_path: Path) -> None:
    made = subprocess.run(
        ["make", "-s", "-C", str(C_FOLDER), f"BUILD={tmp_path}", "size"], capture_output=True, text=True, check=True
    )
    assert not made.stderr
    rows = [line.split() for line in made.stdout.splitlines() if line.endswith(".o")]
    whole, encoder = rows[0::2], rows[1::2]
    assert [data_and_bss for _, *data_and_bss, _, _, _ in rows] == [["0", "0"]] * 6
    assert all(int(sending[0]) < int(all_of_it[0]) / 3 for sending, all_of_it in zip(encoder, whole, strict=True))


@pytest.mark.parametrize("optimisation", ["-O0", "-O2", "-O3"])
def test_no_optimisation_finds_something_to_warn_of(tmp_path: Path, optimisation: str) -> None:
    subprocess.run(["gcc", *STRICT, optimisation, "-c", str(CODEC), "-o", str(tmp_path / "har_wire.o")], check=True)


def test_outside_of_its_file_only_what_the_header_declares_is_seen(tmp_path: Path) -> None:
    built = tmp_path / "har_wire.o"
    subprocess.run(["gcc", *STRICT, "-c", str(CODEC), "-o", str(built)], check=True)
    names = subprocess.run(
        ["nm", "--extern-only", "--defined-only", "--format=just-symbols", str(built)],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    header = (C_FOLDER / "har_wire.h").read_text(encoding="utf-8")
    assert sorted(names) == sorted(re.findall(r"\b(har_\w+)\(", header.replace("har_wire.h", "")))
