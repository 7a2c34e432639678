"""Telling formats from bytes: each for what it is, and never noise for one."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from har_stream.formats import cbor_blocks, frames, json_blocks, lines, phyphox, sensor_logger, sensor_server, witmotion
from har_stream.formats.detection import HELD, LineDetection, detect_message
from har_stream.formats.format import Readings, Refusal
from har_stream.formats.reader import LineReader, MessageReader
from tests.decoding import GARBAGE, refused, values_of

VALUES = np.array([[0.5, -0.25, 1.0, 10.0, 0.0, -20.0]] * 4)
TIMES_S = np.arange(4) / 50
STREAMS = {
    "frames": frames.encode_samples(VALUES, sequence=0, start_ms=0, rate_hz=50.0),
    "lines": lines.encode(VALUES),
    "witmotion": witmotion.encode(VALUES),
}
MESSAGES = STREAMS | {
    "json-block": json_blocks.encode(VALUES, rate_hz=50.0),
    "cbor-block": cbor_blocks.encode(VALUES, rate_hz=50.0),
    "sensor-logger": sensor_logger.encode(TIMES_S, VALUES, device="p"),
    "phyphox": phyphox.encode(TIMES_S, VALUES),
    "sensor-server": sensor_server.encode(TIMES_S, VALUES)[0],
}


@pytest.mark.parametrize("name", STREAMS)
@pytest.mark.parametrize("size", [1, 5, 1000, 100_000])
def test_a_line_tells_its_format_after_whatever_came_before(name: str, size: int) -> None:
    noise = np.random.default_rng(1).bytes(3 * HELD)
    for before in (b"", noise, b"\n\0" + STREAMS[name][3:20] + b"\n\0"):
        detection, data = LineDetection(), before + STREAMS[name] * 3
        told = (detection.push(data[at : at + size]) for at in range(0, len(data), size))
        assert next(found for found in told if found).format == name


def test_what_was_found_is_a_sentence() -> None:
    session = frames.encode_session(session_id=1, rate_hz=50, name="wrist")
    found = LineDetection().push(session)
    assert found is not None
    assert found.what == "binary IMU frames of 'wrist', 6 channels at 50 Hz"


@pytest.mark.parametrize("seed", range(20))
def test_noise_is_never_taken_for_a_format(seed: int) -> None:
    detection = LineDetection()
    generator = np.random.default_rng(seed)
    for _ in range(8):
        assert detection.push(generator.bytes(2000)) is None
    assert len(detection.held) <= HELD
    assert detection.hint == "16000 bytes and none that can be read: looks like a wrong baud rate"


def test_a_moment_of_garbage_gives_no_hint() -> None:
    detection = LineDetection()
    detection.push(b"\xff" * 1000)
    assert detection.hint == ""


@pytest.mark.parametrize(
    "data",
    [
        b"1,2,3,4,5,6\n",
        b"1,2,3,4,5,6\nboot\n1,2,3,4,5,6\n",
        STREAMS["frames"][:-1],
        STREAMS["witmotion"][:11],
        STREAMS["witmotion"][11:22],
    ],
)
def test_one_item_that_could_be_chance_does_not_tell_a_line(data: bytes) -> None:
    found = LineDetection().push(data)
    assert found is None or (found.format == "frames" and b"\0" in data)


@pytest.mark.parametrize("name", MESSAGES)
def test_a_message_tells_its_format(name: str) -> None:
    found = detect_message(MESSAGES[name])
    assert found is not None
    assert found.format == name


@pytest.mark.parametrize("data", [b"", b"{", b"{}", b"[]", b'{"a":1}', b"\xa0", b"hello", b"\0", b"\0" * 100])
def test_another_message_is_of_no_format(data: bytes) -> None:
    assert detect_message(data) is None


@given(GARBAGE)
def test_random_messages_are_of_no_format(data: bytes) -> None:
    assert detect_message(data) is None


@pytest.mark.parametrize("name", STREAMS)
def test_a_reader_of_a_line_loses_nothing_to_the_telling(name: str) -> None:
    reader = LineReader()
    decoded = [one for byte in STREAMS[name] for one in reader.push(bytes([byte]))]
    assert np.allclose(values_of(decoded), VALUES, atol=0.05)
    assert reader.format == name
    assert reader.found


def test_noise_on_a_line_is_counted_and_hinted_at() -> None:
    reader = LineReader()
    noise = np.random.default_rng(1).bytes(10 * HELD)
    decoded = [one for at in range(0, len(noise), 100) for one in reader.push(noise[at : at + 100])]
    assert refused(decoded) == {"format": 9}
    assert reader.found.endswith("looks like a wrong baud rate")


def test_another_device_on_the_line_is_told_anew() -> None:
    reader = LineReader()
    reader.push(STREAMS["lines"])
    for _ in range(300):
        reader.push(STREAMS["witmotion"])
    assert reader.format == "witmotion"


def test_a_format_that_is_given_is_kept() -> None:
    reader = LineReader("lines")
    for _ in range(300):
        assert not values_of(reader.push(STREAMS["witmotion"])).size
    assert reader.format == "lines"


@given(st.permutations(list(MESSAGES)))
def test_a_device_may_change_its_format_from_message_to_message(names: list[str]) -> None:
    reader = MessageReader()
    for name in names:
        assert not refused(reader.push(MESSAGES[name]))
        assert reader.format == name


def test_a_message_of_no_format_is_refused_and_changes_nothing() -> None:
    reader = MessageReader()
    assert reader.push(b"hello") == [Refusal("format")]
    reader.push(MESSAGES["cbor-block"])
    assert reader.push(b"hello") == [Refusal("message")]
    assert reader.format == "cbor-block"


def test_a_last_line_need_not_end() -> None:
    reader = MessageReader()
    for _ in range(2):
        (one,) = reader.push(b"1,2,3,4,5,6\n1,2,3,4,5,6")
        assert isinstance(one, Readings)
        assert len(one.values) == 2


@given(st.lists(GARBAGE | st.sampled_from(list(MESSAGES.values())), max_size=6))
def test_no_bytes_raise(chunks: list[bytes]) -> None:
    line, messages = LineReader(), MessageReader()
    for chunk in chunks:
        line.push(chunk)
        messages.push(chunk)
