"""What sources hand over, to blocks: bytes, the time of their arrival and the device that they came from.

    bytes -> format told -> decoder -> profile -> alignment, order or arrival clock -> blocks

One Translator serves a serial line, or all messages of a broker.
"""

from __future__ import annotations

from collections import OrderedDict

import msgspec

from har_stream.device_translation import DeviceTranslation, Waiting
from har_stream.errors import ConfigError
from har_stream.formats.format import Decoded, Readings, Refusal, SensorRows
from har_stream.formats.reader import AUTO, LineReader, MessageReader, Reader, fits_line
from har_stream.formats.registry import DECODERS
from har_stream.profiles import Profile, Profiles
from har_stream.samples import Block, Refused

UNNAMED = "unnamed"
"""A device that neither the source nor its payload names."""

LONGEST_ID = 65
"""One more than a lawful id has: a longer one stays unlawful, and the pipeline refuses it, but takes no more memory."""


class Translator:
    """Readers and devices, at most max_devices of each; then the one that was silent for longest goes.

    format_name, profile and rate_hz (of devices that send no times) hold for everything that comes; without them they
    are told from the bytes, and by [devices] or else the format. stream tells a serial line, whose bytes come in any
    cut, from whole messages. Raises ConfigError where a line cannot carry the format.
    """

    def __init__(
        self,
        profiles: Profiles,
        *,
        model_rate_hz: float,
        stream: bool,
        format_name: str = AUTO,
        profile: Profile | None = None,
        rate_hz: float | None = None,
        max_devices: int = 64,
    ) -> None:
        if format_name != AUTO and format_name not in DECODERS:
            raise ConfigError(f"no format {format_name!r} (known: {AUTO}, {', '.join(DECODERS)})")
        if stream and not fits_line(format_name):
            raise ConfigError(f"a serial line cannot carry the format {format_name!r}")
        self._profiles, self._profile, self._format = profiles, profile, format_name
        self._model_rate_hz, self._stream, self._most = model_rate_hz, stream, max_devices
        self._rate_hz = rate_hz
        self._waiting = Waiting()
        self._readers: OrderedDict[str, Reader] = OrderedDict()
        self._devices: OrderedDict[str, DeviceTranslation] = OrderedDict()

    def push(
        self, data: bytes, arrival_s: float, device: str | None = None, *, otherwise: str = UNNAMED
    ) -> list[Block]:
        """Translate a chunk of a line, or a message. Never raises for what the bytes hold.

        arrival_s is the time of arrival in s on a monotonic clock; device the id that the source knows, None where the
        payload says it, or else it is `otherwise`.
        """
        source = (otherwise or UNNAMED if device is None else device)[:LONGEST_ID]
        reader = self._readers.get(source) or self._add_reader(source)
        self._readers.move_to_end(source)
        decoded = reader.push(data)
        if device is not None and len(decoded) == 1 and type(decoded[0]) is Readings:
            blocks: list[Block] = []
            blocks += self._device(source, reader, blocks).readings(decoded[0], arrival_s)
            return blocks
        return self._blocks(decoded, reader, source, device, arrival_s)

    def _blocks(
        self, all_decoded: list[Decoded], reader: Reader, source: str, device: str | None, arrival_s: float
    ) -> list[Block]:
        blocks: list[Block] = []
        rows: dict[DeviceTranslation, list[SensorRows]] = {}
        for decoded in all_decoded:
            if isinstance(decoded, Refusal):
                blocks.append(Refused(source, decoded.reason, decoded.count))
                continue
            name = source if device is not None else (decoded.device or source)[:LONGEST_ID]
            if isinstance(decoded, Readings):
                blocks += self._device(name, reader, blocks).readings(decoded, arrival_s)
            else:
                worn = f"{name}-{decoded.worn}"[:LONGEST_ID] if decoded.worn else name
                rows.setdefault(self._device(worn, reader, blocks), []).append(decoded)
        for one, held in rows.items():
            blocks += one.rows(held)
        return blocks

    def flush(self) -> list[Block]:
        """Give or refuse all samples that wait: nothing more comes."""
        return [block for device in self._devices.values() for block in device.flush()]

    def found(self, device: str | None = None) -> str:
        """Return what was found on a line or from a device, or what may be wrong; "" where there is nothing to say."""
        reader = self._readers.get(UNNAMED if device is None else device[:LONGEST_ID])
        return reader.found if reader else ""

    def _add_reader(self, source: str) -> Reader:
        profile = self._profile or self._profiles.of(source)
        name = profile.format if profile and self._format == AUTO else self._format
        line_name = name if fits_line(name) else AUTO
        reader: Reader = LineReader(line_name) if self._stream else MessageReader(name)
        self._readers[source] = reader
        if len(self._readers) > self._most:
            self._readers.popitem(last=False)
        return reader

    def _device(self, name: str, reader: Reader, blocks: list[Block]) -> DeviceTranslation:
        """Return a device's state; what waits in the state that goes for it is refused into `blocks`."""
        device = self._devices.get(name)
        if device is not None and device.format != reader.format:
            blocks += self._devices.pop(name).flush()  # its profile may have been that of its format
            device = None
        if device is None:
            profile = self._profile or self._profiles.of(name) or self._profiles.for_format(reader.format or "")
            if self._rate_hz is not None:
                profile = msgspec.structs.replace(profile, rate_hz=self._rate_hz)
            device = DeviceTranslation(
                name,
                profile,
                format_name=reader.format,
                model_rate_hz=self._model_rate_hz,
                reorders=not self._stream,  # a line brings nothing out of order
                in_all=self._waiting,
            )
            self._devices[name] = device
            if len(self._devices) > self._most:
                blocks += self._devices.popitem(last=False)[1].flush()
        self._devices.move_to_end(name)
        return device
