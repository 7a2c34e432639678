"""Fuzz targets for what comes over a line or from a broker: whatever it holds, no exception, and the books balance.

Each goes all the way: bytes -> readings -> blocks -> intake -> filters -> windows, as the daemon has it.
"""

from __future__ import annotations

import re
from functools import cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from firmware_bridge.decode import Decoder
from firmware_bridge.encode import encode, frame_of
from firmware_bridge.protocol import Corrupt, Frame
from har_stream.accounting import Accounting
from har_stream.broker import LONGEST_TEXT, topic_prefix
from har_stream.devices import LAWFUL_ID
from har_stream.errors import ConfigError
from har_stream.formats.format import Readings
from har_stream.formats.reader import AUTO
from har_stream.formats.registry import DECODERS
from har_stream.home_assistant.identity import config_topic, device_of
from har_stream.manifest import Manifest, load_manifest, resolve
from har_stream.pipeline import Pipeline
from har_stream.profiles import Profiles
from har_stream.samples import Block, Refused, Samples
from har_stream.settings import IntakeSettings, MqttSettings
from har_stream.sinks.mqtt import MqttSink
from har_stream.sources.topics import parse_topics, sender_of
from har_stream.translation import Translator
from har_stream.uri import parse_uri
from tests.fuzz.limits import one_line
from tests.fuzz.parts import split
from tests.predictions import prediction

CUTS: Final = (1, 7)
"""Bytes of the pieces that must decode as the whole does."""
TICKS: Final = 6
LEAST_CUT: Final = 16
MOST_DEVICES: Final = 8
LONGEST_MESSAGE: Final = 65535
UNLAWFUL: Final = re.compile(r"[+#\0]")


def frames(data: bytes) -> None:
    """Take bytes as they are, and their parts as messages that are framed with the right length and CRC."""
    decoder = Decoder()
    _same_again(decoder.push(data))
    stream = b"".join(frame_of(part[:LONGEST_MESSAGE]) for part in split(data))
    _same_again(Decoder().push(stream))
    _through_pipeline([*_line(stream, "frames"), *_line(data, AUTO)])


def _same_again(decoded: list[Frame]) -> None:
    """Check that what was decoded is a message that can be sent, and then decodes to itself."""
    for message in decoded:
        if not isinstance(message, Corrupt):
            (again,) = Decoder().push(encode(message))
            assert repr(again) == repr(message)  # NaN is not equal to itself


def text_lines(data: bytes) -> None:
    """Take bytes as text lines, and as a line whose format is yet to be told."""
    _through_pipeline([*_line(data, "lines"), *_line(data, AUTO)])


def witmotion(data: bytes) -> None:
    """Take bytes as WitMotion's packets, their sums as they are and put right."""
    repaired = b"".join(part[:10] + bytes([sum(part[:10]) & 0xFF]) for part in split(data))
    kinds = [(stream, name) for stream in (data, repaired) for name in ("witmotion", AUTO)]
    _through_pipeline([tick for stream, name in kinds for tick in _line(stream, name)])


def _line(data: bytes, format_name: str) -> list[list[Block]]:
    """Take what comes over a serial line; check that the decoder gives the same in any cut."""
    if format_name != AUTO:  # a format is told by what has come until then
        whole = _readings(format_name, data, len(data) + 1)
        assert all(np.array_equal(_readings(format_name, data, size), whole, equal_nan=True) for size in CUTS)
    translator = _translator(format_name, stream=True)
    size = max(LEAST_CUT, len(data) // TICKS)
    blocks = [translator.push(data[at : at + size], 0.02 * at) for at in range(0, len(data), size)]
    return [*blocks, translator.flush()]


def _translator(format_name: str, *, stream: bool) -> Translator:
    rate_hz = _manifest().framing.rate_hz
    return Translator(_profiles(), model_rate_hz=rate_hz, stream=stream, format_name=format_name)


def _readings(format_name: str, data: bytes, size: int) -> NDArray[np.float64]:
    decoder = DECODERS[format_name]()
    pieces = (data[at : at + size] for at in range(0, len(data), size))
    held = [one.values for piece in pieces for one in decoder.push(piece) if isinstance(one, Readings)]
    return np.concatenate(held).astype(np.float64) if held else np.empty((0, 6))


def json_payloads(data: bytes) -> None:
    """Take messages as each kind of JSON, and as whatever they look like."""
    names = ("json-block", "sensor-logger", "phyphox", "sensor-server", AUTO)
    _through_pipeline([tick for name in names for tick in _messages(data, name)])


def cbor_payloads(data: bytes) -> None:
    """Take messages as CBOR blocks, and as whatever they look like."""
    _through_pipeline([*_messages(data, "cbor-block"), *_messages(data, AUTO)])


def _messages(data: bytes, format_name: str) -> list[list[Block]]:
    """Take what comes from a broker: messages of one device, then of devices that the payload names."""
    ticks = []
    for device in (f"watch-{format_name}", None):
        translator = _translator(format_name, stream=False)
        ticks += [translator.push(part, 0.5 * at, device) for at, part in enumerate(split(data))]
        ticks.append(translator.flush())
    return ticks


def _through_pipeline(ticks: list[list[Block]]) -> None:
    """Check that all is accounted for and that nothing which is no number of a reasonable size passes the intake."""
    if all(isinstance(block, Refused) for tick in ticks for block in tick):
        return  # a pipeline takes 3 ms to make
    accounting = Accounting()
    pipeline = Pipeline(_manifest(), _NoClassifier(), IntakeSettings(max_devices=MOST_DEVICES), accounting)
    for tick in filter(None, ticks):
        accounting.enter(sum(block.samples for block in tick))
        windows = pipeline.frame(tick, 0.0)
        assert windows is None or np.isfinite(windows.values).all()
        assert np.isfinite(pipeline._preprocessing.channels).all()  # noqa: SLF001 - all that the filters ever gave
        assert accounting.balance(pipeline.buffered) == 0
        assert pipeline.buffered >= 0


def topics(data: bytes) -> None:
    """Take parts as a topic, an id, a topic filter and a prefix; whatever is published is lawful."""
    parts = [part.decode(errors="surrogateescape") for part in (*split(data), b"", b"", b"", b"")]
    topic, device, path, prefix = parts[:4]
    for filters in ("", "+/#", path):
        try:
            sender = sender_of(topic, parse_topics(filters, "mqtt:"))
        except ConfigError as error:
            one_line(error)
            assert filters
        else:
            assert sender.device is not None or sender.otherwise.isascii()
    if LAWFUL_ID.fullmatch(device):
        _published(device, prefix)


def _published(device: str, prefix: str) -> None:
    try:
        uri = parse_uri(f"mqtt://localhost/{prefix}")
        lawful_prefix, sink = topic_prefix(uri), MqttSink(uri, MqttSettings())
    except ConfigError as error:
        one_line(error)
        return
    messages = sink._messages(prediction(device), again=False)  # noqa: SLF001 - as they go out
    told = [message.topic for message in messages]
    announced = config_topic("homeassistant", lawful_prefix, device)
    for topic in (*told, sink.status_topic, sink.topic(device, "availability"), announced):
        assert 0 < len(topic.encode()) <= LONGEST_TEXT
        assert not UNLAWFUL.search(topic)
        assert not topic.startswith("$")
    assert device_of(announced, "homeassistant", lawful_prefix) == device
    sink.close(0.0)  # it has descriptors


class _NoClassifier:
    """Stands where the model would: windows are as far as a fuzz target looks."""

    def probabilities(self, windows: Samples) -> NDArray[np.float32]:
        raise NotImplementedError


@cache
def _manifest() -> Manifest:
    return load_manifest(resolve("seed-lstm"))


@cache
def _profiles() -> Profiles:
    return Profiles({}, {})
