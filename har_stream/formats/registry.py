"""The formats by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from har_stream.formats.cbor_blocks import CborBlocksDecoder
from har_stream.formats.format import Decoder
from har_stream.formats.frames import FramesDecoder
from har_stream.formats.json_blocks import JsonBlocksDecoder
from har_stream.formats.lines import LinesDecoder
from har_stream.formats.phyphox import PhyphoxDecoder
from har_stream.formats.sensor_logger import SensorLoggerDecoder
from har_stream.formats.sensor_server import SensorServerDecoder
from har_stream.formats.witmotion import WitMotionDecoder

DECODERS: Final[Mapping[str, Callable[[], Decoder]]] = {
    "frames": FramesDecoder,
    "lines": LinesDecoder,
    "witmotion": WitMotionDecoder,
    "json-block": JsonBlocksDecoder,
    "cbor-block": CborBlocksDecoder,
    "sensor-logger": SensorLoggerDecoder,
    "phyphox": PhyphoxDecoder,
    "sensor-server": SensorServerDecoder,
}

STREAMS: Final = ("frames", "witmotion", "lines")
"""Formats that a serial line can carry: their decoders take any cut of the bytes."""

MESSAGES: Final = ("json-block", "cbor-block", "sensor-logger", "phyphox", "sensor-server")
"""Formats whose decoders take whole messages and hold nothing from one to the next."""
