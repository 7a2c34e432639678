"""The table of cases on an 8-bit machine, whose int has 16 bits and whose double is a float: simavr's ATmega328P."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import numpy as np

from firmware_bridge.encode import encode
from firmware_bridge.protocol import Corrupt, Frame
from firmware_bridge.vectors import VECTORS, frame_from_json
from tests.simulated_uno import SimulatedUno, UnoBuild, build_simulator
from tests.wire_c import C_FOLDER, CODEC, STRICT

CASES = [json.loads(line) for line in VECTORS.read_text(encoding="utf-8").splitlines()]
PROGRAM = Path(__file__).with_name("decode_on_avr.c")


def write_streams(folder: Path) -> None:
    streams = [bytes.fromhex(case["hex"]) for case in CASES]
    lengths = ", ".join(str(len(stream)) for stream in streams)
    numbers = ", ".join(map(str, b"".join(streams)))
    (folder / "streams.h").write_text(
        f"enum {{ STREAMS = {len(streams)} }};\n"
        f"static const uint16_t lengths[] PROGMEM = {{{lengths}}};\n"
        f"static const uint8_t bytes[] PROGMEM = {{{numbers}}};\n"
    )


def build_program(folder: Path) -> Path:
    write_streams(folder)
    elf = folder / "decode_on_avr.elf"
    board = ("-mmcu=atmega328p", "-Os", f"-I{C_FOLDER}", f"-I{folder}")
    subprocess.run(["avr-gcc", *STRICT, *board, str(PROGRAM), str(CODEC), "-o", str(elf)], check=True)
    return elf


def answer(frame: Frame) -> bytes:
    return bytes([frame.status, 0]) if isinstance(frame, Corrupt) else encode(frame)


def test_every_case_is_decoded_and_encoded_alike_on_8_bits(tmp_path: Path) -> None:
    build = UnoBuild(build_simulator(tmp_path), build_program(tmp_path), Path())
    expected = b"".join(answer(frame_from_json(frame)) for case in CASES for frame in case["frames"])
    with SimulatedUno(build, np.zeros((0, 6), np.int16), tmp_path) as board:
        assert board.read(len(expected)).hex(" ") == expected.hex(" ")
