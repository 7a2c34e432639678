"""A sensor on a serial port: the real process on a pseudo-terminal, from bytes to the labels of the same motion."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from threading import Event
from typing import Any

import numpy as np
import pytest

from har_stream.accounting import Accounting
from har_stream.classifier import Classifier
from har_stream.errors import ConfigError
from har_stream.formats import frames, lines, witmotion
from har_stream.manifest import load_manifest, resolve
from har_stream.parts import fitting_source
from har_stream.pipeline import Pipeline
from har_stream.profiles import G
from har_stream.samples import SampleBlock, Samples
from har_stream.settings import IntakeSettings, Settings
from har_stream.sources.serial_port import SerialPort
from har_stream.uri import parse_uri
from tests.motion import model
from tests.serial_pair import Plug
from tests.simulated_uno import PER_COUNT, SimulatedUno, build_uno, counts_of
from tests.stream_process import Ended, books, end, run, running
from tests.turned_walk import simulated

RATE_HZ = 50.0
PATIENCE_S = 60.0
ENOUGH = 350
DEGREES = 180 / np.pi
MS2_RADS = np.repeat([G, 1.0], 3)
MS2_DEGREES = np.repeat([G, DEGREES], 3)
G_DEGREES = np.repeat([1.0, DEGREES], 3)


def labels_of(values: Samples) -> list[str]:
    """The labels of samples that come at exactly 50 Hz."""
    folder = resolve(Settings().model)
    manifest = load_manifest(folder)
    pipeline = Pipeline(manifest, Classifier(folder, manifest), IntakeSettings(), Accounting())
    return [one.label for one in pipeline.push([SampleBlock("a", 0, 0.0, RATE_HZ, values)], 0.0)]


def wait_until(holds: Callable[[], bool]) -> None:
    deadline_s = time.monotonic() + PATIENCE_S
    while not holds():
        assert time.monotonic() < deadline_s
        time.sleep(0.05)


class Stream:
    """har-stream on a serial port, its labels in a file."""

    def __init__(self, folder: Path, port: Path | str, options: str = "", *words: str) -> None:
        self._labels = folder / "labels.jsonl"
        self._log = folder / "said"
        source = f"serial:{port}{options}"
        self._running = running("--source", source, "--sink", f"jsonl:{self._labels}", *words)
        self.process = self._running.__enter__()
        self._said = b""

    def wait_to_listen(self) -> None:
        """Wait until it has opened the port, and dropped what came before: whoever only has it open may do so yet."""
        assert self.process.stderr is not None
        while b": connected" not in self._said:
            line = self.process.stderr.readline()
            assert line, self._said
            self._said += line

    def lines(self) -> list[dict[str, Any]]:
        text = self._labels.read_text() if self._labels.exists() else ""
        return [json.loads(line) for line in text.splitlines() if line.endswith("}")]

    def end(self) -> Ended:
        ended = end(self.process, within_s=PATIENCE_S)
        self._running.__exit__(None, None, None)
        return replace(ended, said=self._said.decode() + ended.said)


@pytest.fixture
def plug(tmp_path: Path) -> Iterator[Plug]:
    one = Plug(tmp_path / "ttyTEST")
    one.plug()
    yield one
    one.unplug()


def in_books(said: str) -> dict[str, int]:
    account = books(said)
    assert account["in"] == sum(account[key] for key in ("used", "refused", "dropped", "buffered"))
    return account


def test_frames_are_labelled_as_the_motion_that_they_carry(tmp_path: Path, plug: Plug) -> None:
    motion = simulated("walking:20,sitting:15")
    sent = frames.encode_session(session_id=7, rate_hz=50, name="belt")
    sent += frames.encode_samples(motion * MS2_RADS, sequence=0, start_ms=0, rate_hz=RATE_HZ)
    stream = Stream(tmp_path, plug.link)
    stream.wait_to_listen()
    plug.send(sent)
    expected = labels_of(motion)
    wait_until(lambda: len(stream.lines()) == len(expected))
    ended = stream.end()
    assert ended.code == 0
    assert [line["label"] for line in stream.lines()] == expected
    assert {line["device"] for line in stream.lines()} == {"ttyTEST"}
    assert in_books(ended.said)["in"] == len(motion)
    assert "frames" in ended.said


@pytest.mark.parametrize(
    ("encode", "factors", "options"),
    [
        (lines.encode, MS2_DEGREES, ""),
        (witmotion.encode, G_DEGREES, "?device=wrist&rate=50"),
        (lambda values: lines.encode(values, separator="\t"), G_DEGREES, "?profile=arduino-lsm6ds&rate=50&baud=9600"),
    ],
)
def test_samples_without_times_are_labelled_as_they_arrive(
    tmp_path: Path, plug: Plug, encode: Callable[[Any], bytes], factors: Any, options: str
) -> None:
    motion = simulated("walking:60")
    stream = Stream(tmp_path, plug.link, options)
    stream.wait_to_listen()
    begun_s, sent = time.monotonic(), 0
    while sent < ENOUGH or (len(stream.lines()) < 3 and sent < len(motion)):  # a busy machine makes holes in it
        plug.send(encode(motion[sent : sent + 1] * factors))
        sent += 1
        time.sleep(max(0.0, begun_s + sent / RATE_HZ - time.monotonic()))
    wait_until(lambda: len(stream.lines()) >= 3)
    ended = stream.end()
    assert {line["raw"] for line in stream.lines()} == {"walking"}
    assert stream.lines()[0]["device"] == ("wrist" if "wrist" in options else "ttyTEST")
    # At the beginning of a line half a reading may be heard.
    assert in_books(ended.said)["in"] == pytest.approx(sent, abs=1)
    assert "looks like" not in ended.said


def test_a_wrong_profile_is_noticed_and_named(tmp_path: Path, plug: Plug) -> None:
    motion = simulated("sitting:12")
    stream = Stream(tmp_path, plug.link, "?profile=har-block")
    stream.wait_to_listen()
    plug.send(frames.encode_session(session_id=7, rate_hz=50))
    plug.send(frames.encode_samples(motion * MS2_RADS, sequence=0, start_ms=0, rate_hz=RATE_HZ))
    wait_until(lambda: len(stream.lines()) == len(labels_of(motion)))
    assert "ttyTEST: acceleration looks like m/s2 that is taken for g" in stream.end().said


def test_a_port_that_is_not_there_is_said_and_waited_for(tmp_path: Path) -> None:
    with running("--source", f"serial:{tmp_path}/ttyNONE") as process:
        assert process.stderr is not None
        said = b""
        while b"not there: is it plugged in?" not in said:
            said += process.stderr.readline()
        assert end(process).code == 0


@pytest.mark.parametrize(
    ("uri", "told"),
    [
        ("serial:", "needs a port"),
        ("serial:/dev/ttyUSB0?baud=fast", "baud"),
        ("serial:/dev/ttyUSB0?speed=9600", "unknown option 'speed'"),
        ("serial:/dev/ttyUSB0?format=phyphox", "cannot carry"),
        ("serial:/dev/ttyUSB0?format=frame", "frames"),
        ("serial:/dev/ttyUSB0?profile=witmotoin", "witmotion"),
        ("serial:/dev/ttyUSB0?device=my%20belt", "device is letters"),
        ("serial:/dev/ttyUSB0?rate=0", "rate"),
    ],
)
def test_a_faulty_uri_is_a_fault_of_the_configuration(uri: str, told: str) -> None:
    with pytest.raises(ConfigError, match=told):
        fitting_source(Settings(source=uri), model()[0])


def test_a_faulty_uri_is_one_clear_line() -> None:
    ended = run("--source", "serial:/dev/ttyUSB0?profile=witmotoin")
    assert ended.code == 78
    assert ended.said == "har-stream: no profile 'witmotoin' (did you mean 'witmotion'?)\n"


def test_a_simulated_arduino_is_labelled_as_the_recording_that_its_sensor_plays(tmp_path: Path) -> None:
    motion = simulated("walking:14,sitting:12")
    counts = counts_of(motion * MS2_RADS)
    played = (counts * PER_COUNT / MS2_RADS).astype(np.float32)
    with SimulatedUno(build_uno(tmp_path), counts, tmp_path, link=tmp_path / "ttyUNO") as board:
        stream = Stream(tmp_path, tmp_path / "ttyUNO")
        board.last_words()
        expected = labels_of(played)
        wait_until(lambda: len(stream.lines()) >= len(expected) - 1)
        ended = stream.end()
    told = [line["label"] for line in stream.lines()]
    agree = [one == other for one, other in zip(told, expected, strict=False)]
    assert len(told) >= len(expected) - 1
    assert np.mean(agree) >= 0.98
    assert in_books(ended.said)["refused"] == 0


def test_what_comes_in_a_chunk_arrived_with_it(monkeypatch: pytest.MonkeyPatch) -> None:
    source = SerialPort(parse_uri("serial:/dev/ttyX?format=lines&rate=50"), Settings())
    source.fit(load_manifest(resolve("seed-lstm")).framing)
    payload = b"0.1,0.2,9.8,0.1,0.2,0.3\n" * 60

    def chunks(_: Event) -> Iterator[tuple[bytes, float]]:
        yield from ((b"", 1.0), (payload, 5.0), (payload, 6.0))

    monkeypatch.setattr(source._line, "chunks", chunks)  # noqa: SLF001 - a line whose clock stands where we want
    assert [source.arrived_s for _ in source.blocks(Event())] == [5.0, 6.0]


def test_what_is_translated_in_a_lull_changes_nothing_of_what_comes_then(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = b"".join(b"0.%d,0.2,9.8,0.1,0.2,0.3\n" % number for number in range(60))
    chunks = [(b"", 1.0), (whole[:700], 5.0), (whole[700:], 5.5), (whole, 6.5)]
    lulls: list[tuple[bytes | None, float]] = [one for chunk in chunks for one in (chunk, (None, chunk[1] + 0.1))]

    def blocks_of(came: list[tuple[bytes | None, float]]) -> list[str]:
        source = SerialPort(parse_uri("serial:/dev/ttyX?format=lines&rate=50"), Settings())
        source.fit(load_manifest(resolve("seed-lstm")).framing)
        monkeypatch.setattr(source._line, "chunks", lambda _: iter(came))  # noqa: SLF001 - lulls where we want them
        return [repr(block) for tick in source.blocks(Event()) for block in tick]

    assert blocks_of(lulls) == blocks_of(list(chunks)) != []


def test_what_is_found_is_told_once_and_keeps_no_block_waiting(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    source = SerialPort(parse_uri("serial:/dev/ttyX"), Settings())
    source.fit(load_manifest(resolve(Settings().model)).framing)
    sent = [frames.encode_samples(np.ones((1, 6)), sequence=at, start_ms=20 * at, rate_hz=RATE_HZ) for at in range(40)]
    monkeypatch.setattr(source._line, "chunks", lambda _stop: ((data, 0.0) for data in [b"", *sent]))  # noqa: SLF001
    with caplog.at_level("INFO", "har_stream.sources.serial_port"):
        blocks = source.blocks(Event())
        assert next(blocks)
        assert not caplog.messages
        assert list(blocks)
    assert len(caplog.messages) == 1
    assert caplog.messages[0].startswith("/dev/ttyX: ")
