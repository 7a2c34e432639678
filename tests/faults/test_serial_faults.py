"""Faults 12 to 17: a serial port that is unplugged, renamed, noisy, misread, silent or in use."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
import time
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from har_stream.formats import frames
from har_stream.formats.reader import LineReader
from har_stream.profiles import G
from har_stream.samples import Samples
from har_stream.sources.serial_line import STALE_S, SerialLine
from tests.broker import wait_for
from tests.faults.conftest import Measured
from tests.faults.length import lasting
from tests.faults.stream import Stream, balanced, stream
from tests.held_up import held_up_s
from tests.http_client import readiness
from tests.serial_listener import Listener
from tests.serial_pair import Plug
from tests.turned_walk import simulated

RATE_HZ = 50.0
MS2_RADS = np.repeat([G, 1.0], 3)
BACK_WITHIN_S = 2.0
BAUD = 115_200
MINUTE_OF_BYTES = 60 * BAUD // 10
FLIPPED = 1e-3
AT_REST = np.tile(np.array([1, 0, 0, 0, 0, 0], np.float32), (25, 1))
HELD = 4096
OWN_KIB = 1
"""What a reader takes besides the bytes that it holds."""


@pytest.fixture
def plug(tmp_path: Path) -> Iterator[Plug]:
    one = Plug(tmp_path / "ttyTEST")
    yield one
    one.unplug()


def sent(values: Samples, start_ms: int = 0) -> bytes:
    """A session and samples as frames."""
    session = frames.encode_session(session_id=7, rate_hz=50)
    return session + frames.encode_samples(values * MS2_RADS, sequence=0, start_ms=start_ms, rate_hz=RATE_HZ)


def test_12_a_port_unplugged_again_and_again_is_read_within_two_seconds_of_its_return(
    tmp_path: Path, plug: Plug, measured: Measured
) -> None:
    times = lasting(8, 100)
    took_s, own_s, names, descriptors = [], [], set(), []
    with stream(tmp_path / "stream", f"serial:{plug.link}") as one:
        for number in range(times + 1):
            kept = os.openpty() if number % 2 else ()  # so that the next one gets another name
            plug.plug()
            back_s, held_s = time.monotonic(), one.held_up_s + held_up_s()
            wait_for(lambda: one.has_open(plug.terminal))
            took_s.append(time.monotonic() - back_s)
            own_s.append(took_s[-1] - (one.held_up_s + held_up_s() - held_s))
            wait_for(lambda: one.metrics.get("source_connected") == 1)  # to open a port is to flush it
            names.add(plug.terminal)
            plug.send(sent(AT_REST, start_ms=1000 * number))
            wait_for(lambda seen=number + 1: one.metrics.get("samples_in_total") == seen * len(AT_REST))
            descriptors.append(one.descriptors)
            for descriptor in kept:
                os.close(descriptor)
            if number < times:
                plug.unplug()
                wait_for(lambda: one.metrics.get("source_connected") == 0)  # the log tells of thirty a minute alone
        assert one.metrics.get("source_reconnects_total") == times
        wait_for(lambda: one.descriptors <= descriptors[0])
        plug.send(sent(simulated("walking:6"), start_ms=10_000_000))
        wait_for(lambda: one.labelled >= 3)
        ended = one.end()
    assert "unplugged; waiting" in ended.said
    assert {line["raw"] for line in ended.lines[-3:]} == {"walking"}
    assert len(names) > 1
    assert max(own_s[1:]) < BACK_WITHIN_S  # without what a busy machine makes of it
    open_files = f"{min(descriptors)} to {max(descriptors)} file descriptors"
    measured(f"{times} times, back within {max(took_s[1:]):.1f} s, {open_files}")


def test_13_a_port_opened_by_path_is_followed_by_its_by_id_link(tmp_path: Path) -> None:
    by_id = tmp_path / "by-id"
    by_id.mkdir()
    link = by_id / "usb-sensor"
    first_device, first_port = pty.openpty()
    second_device, second_port = pty.openpty()
    link.symlink_to(os.ttyname(first_port))
    listener = Listener(SerialLine(os.ttyname(first_port), by_id=by_id))
    listener.connected()
    os.close(first_port)
    link.unlink()
    link.symlink_to(os.ttyname(second_port))
    os.close(first_device)
    listener.connected()
    os.write(second_device, b"moved")
    assert listener.read(5) == b"moved"
    listener.end()
    for descriptor in (second_device, second_port):
        os.close(descriptor)


def noisy(data: bytes, share: float) -> bytes:
    """Bytes of which a share became others."""
    noise = np.random.default_rng(14)
    flips = noise.integers(1, 256, len(data), np.uint8) * (noise.random(len(data)) < share)
    return bytes(np.frombuffer(data, np.uint8) ^ flips.astype(np.uint8))


def test_14_frames_with_a_flipped_byte_are_refused_and_all_others_are_read(
    tmp_path: Path, plug: Plug, measured: Measured
) -> None:
    motion = simulated(f"walking:{lasting(60, 600)}")
    whole = sent(motion)
    session, _, samples = whole.partition(b"\0")
    arrives = noisy(samples, FLIPPED)
    lawful = set(samples.split(b"\0"))
    pieces = [piece for piece in arrives.split(b"\0") if piece]
    good = sum(piece in lawful for piece in pieces)
    assert 0.9 * len(motion) < good < len(motion)
    with stream(tmp_path / "stream", f"serial:{plug.link}") as one:
        plug.plug()
        one.wait_to_say(": connected")
        plug.send(session + b"\0" + arrives)
        wait_for(lambda: one.metrics.get("samples_in_total") == len(pieces))
        refused = {"outcome": "refused", "reason": "checksum"}
        wait_for(lambda: one.metrics.count("samples_total", **refused) == len(pieces) - good)  # the last may wait still
        account = balanced(one.end().said)
    assert account["refused"] == len(pieces) - good
    assert account["in"] - account["refused"] == good
    assert account["used"] > 0.5 * good
    measured(f"{len(pieces) - good} damaged frames refused, {good} of {len(motion)} read")


def misread(data: bytes, ratio: float) -> bytes:
    """What a receiver makes of bytes that were sent at `ratio` times the bit rate that it is set to."""
    octets = np.unpackbits(np.frombuffer(data, np.uint8), bitorder="little").reshape(-1, 8)
    line = np.hstack([np.zeros((len(octets), 1), np.uint8), octets, np.ones((len(octets), 1), np.uint8)]).ravel()
    heard, at = [], 0.0
    while at + 10 * ratio < len(line):
        if line[int(at)]:  # no start bit yet
            at += 1
            continue
        bits = line[(at + ratio * (np.arange(8) + 1.5)).astype(int)]
        heard.append(np.packbits(bits, bitorder="little")[0])
        at += 9.5 * ratio
    return bytes(heard)


def garbage(kind: str) -> bytes:
    if kind == "noise":
        return np.random.default_rng(15).bytes(MINUTE_OF_BYTES)
    told = misread(sent(simulated("walking:15")), {"baud rate too low": 12.0, "baud rate too high": 0.5}[kind])
    return (told * (MINUTE_OF_BYTES // len(told) + 1))[:MINUTE_OF_BYTES]


@pytest.mark.parametrize("kind", ["noise", "baud rate too low", "baud rate too high"])
def test_15_garbage_gives_no_window_and_a_hint_and_then_frames_are_heard(
    tmp_path: Path, plug: Plug, measured: Measured, kind: str
) -> None:
    nonsense = garbage(kind)
    with stream(tmp_path / "stream", f"serial:{plug.link}") as one:
        plug.plug()
        one.wait_to_say(": connected")
        plug.send(nonsense)
        one.wait_to_say("looks like a wrong baud rate")
        assert one.metrics.get("windows_total") == 0
        plug.send(b"\0" + sent(simulated("walking:6")))
        wait_for(lambda: one.labelled >= 3)
        ended = one.end()
    assert {line["raw"] for line in ended.lines} == {"walking"}
    assert {line["window"][0] for line in ended.lines} == {0.0, 1.28, 2.56}, "none of it is of garbage"
    assert balanced(ended.said)["refused"] > 0
    measured(f"{kind}: {len(nonsense):,} bytes")


@pytest.mark.parametrize("name", ["auto", "frames", "lines", "witmotion"])
def test_15_of_a_minute_of_garbage_a_reader_holds_four_kib_at_most(name: str, measured: Measured) -> None:
    noise = np.random.default_rng(15)
    reader = LineReader(name)
    nonsense = [noise.bytes(int(length)) for length in noise.integers(1, HELD, 2 * MINUTE_OF_BYTES // HELD)]
    tracemalloc.start()
    before, most = tracemalloc.get_traced_memory()[0], 0
    for piece in nonsense:
        reader.push(piece)
        most = max(most, tracemalloc.get_traced_memory()[0] - before)
    tracemalloc.stop()
    assert most < HELD + 1024 * OWN_KIB
    measured(f"{name}: {most / 1024:.1f} KiB with the reader itself")


def test_16_a_silent_port_is_said_after_five_seconds_and_when_it_speaks_again(
    tmp_path: Path, plug: Plug, measured: Measured
) -> None:
    with stream(tmp_path / "stream", f"serial:{plug.link}") as one:
        plug.plug()
        one.wait_to_say(": connected")
        silent_s = time.monotonic()
        plug.send(sent(simulated("sitting:4")))
        wait_for(lambda: one.labelled > 0)
        before = (readiness(one.port)[0], *stale(one))
        assert before == (200, 1, 0) or time.monotonic() - silent_s > STALE_S, "on a busy machine it may be late"
        wait_for(
            lambda: one.unready == [f"source: silent for {STALE_S:g} s: does the device send, and at {BAUD} baud?"]
        )
        took_s = time.monotonic() - silent_s
        assert took_s >= STALE_S
        wait_for(lambda: stale(one) == (0, 1))
        plug.send(sent(simulated("sitting:4"), start_ms=20_000))
        wait_for(lambda: not one.unready and stale(one) == (1, 0))
        one.end()
    measured(f"said after {took_s:.1f} s")


def stale(one: Stream) -> tuple[float, float]:
    """Whether the source is connected, and how many devices are stale."""
    return one.metrics.get("source_connected"), one.metrics.get("devices", state="stale")


def test_17_a_port_in_use_is_told_with_who_has_it_and_tried_again(plug: Plug) -> None:
    plug.plug()
    holder = (
        f"import serial, time; port = serial.Serial({str(plug.link)!r}, exclusive=True); "
        "print('open', flush=True); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", holder], stdout=subprocess.PIPE) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == b"open\n"
            listener = Listener(SerialLine(str(plug.link)))
            try:
                listener.until("in use by")
                assert f"({process.pid})" in listener.line.condition
                process.kill()
                listener.connected()
            finally:
                listener.end()
        finally:
            process.kill()
