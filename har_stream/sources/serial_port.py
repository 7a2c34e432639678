"""serial:PORT - a sensor on a serial line: bytes from the port through the translation into blocks.

    serial:/dev/ttyUSB0?baud=115200&format=auto&profile=NAME&device=ID&rate=HZ

The port is a path, a by-id name or a serial number. One line is one device; its id is the port's by-id name unless
one is given.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Iterator
from threading import Event
from typing import Annotated

import msgspec

from har_stream.devices import LAWFUL_ID
from har_stream.errors import ConfigError
from har_stream.formats.reader import AUTO
from har_stream.manifest import Framing
from har_stream.profiles import Profiles
from har_stream.progress import Progress
from har_stream.samples import Block
from har_stream.settings import Settings
from har_stream.sources.serial_line import LineOptions, SerialLine
from har_stream.sources.serial_ports import device_id
from har_stream.sources.source import CONNECTING
from har_stream.translation import Translator
from har_stream.uri import Uri
from har_stream.vigil import ASLEEP

log = logging.getLogger(__name__)


class SerialOptions(LineOptions, frozen=True):
    """What may follow the question mark; rate is the device's own in Hz, where its samples carry no times."""

    format: str = AUTO
    profile: str = ""
    device: str = ""
    rate: Annotated[float, msgspec.Meta(ge=1, le=10_000)] | None = None


class SerialPort:
    """A serial port as a source. Raises ConfigError for a faulty URI; a port that is not there is waited for."""

    paced = True
    devices: int | None = 1
    queue = None
    arrived_s: float | None = None
    vigil = ASLEEP
    progress: Progress | None = None

    def __init__(self, uri: Uri, settings: Settings) -> None:
        options = uri.options(SerialOptions)
        self._line = SerialLine(uri.rest, baud=options.baud)
        if options.device and not LAWFUL_ID.fullmatch(options.device):
            raise ConfigError(f"{uri.text}: device is letters, digits, _ and -, 64 at most, not {options.device!r}")
        self._device = options.device or device_id(uri.rest)
        self._format = options.format
        self._profiles = Profiles(settings.profiles, settings.devices)
        self._profile = self._profiles.named(options.profile) if options.profile else None
        self._rate_hz = options.rate
        self._model_rate_hz = math.nan
        self._found = ""

    @property
    def condition(self) -> str:
        """How the line stands."""
        return self._line.condition or CONNECTING

    @property
    def reconnects(self) -> int:
        """How often the port was opened again."""
        return max(0, self._line.reconnects)

    def fit(self, framing: Framing) -> None:
        """Take the model's rate. Raises ConfigError for a format that no line can carry."""
        self._model_rate_hz = framing.rate_hz
        self._translator()

    def blocks(self, stop: Event) -> Iterator[list[Block]]:
        """Yield blocks as bytes come, none when it is time to wake; device and format may be others after each plug."""
        translator, shadow, last = self._translator(), self._translator(), b""
        for data, arrival_s in self._line.chunks(stop):
            if data is None:  # a lull, at whose end what came last is translated once more, as what comes next will be
                yield []
                shadow.push(last, arrival_s, self._device)
            else:
                self.arrived_s, last = arrival_s, data
                if not data:
                    blocks, translator = translator.flush(), self._translator()
                else:
                    blocks = translator.push(data, arrival_s, self._device)
                if blocks:
                    yield blocks
                if data:  # and not before: what is said of a line need not keep its labels waiting
                    self._tell(translator.found(self._device))
            self._line.vigil = self.vigil
        if blocks := translator.flush():
            yield blocks

    def _translator(self) -> Translator:
        return Translator(
            self._profiles,
            model_rate_hz=self._model_rate_hz,
            stream=True,
            format_name=self._format,
            profile=self._profile,
            rate_hz=self._rate_hz,
        )

    def _tell(self, found: str) -> None:
        """Say once what was found on the line."""
        if found and found != self._found:
            log.info("%s: %s", self._line.name, found)
        self._found = found
