"""What sources hand over, to blocks: bytes, the time of their arrival and the device that they came from.

    bytes -> format told -> decoder -> profile -> alignment, order or arrival clock -> blocks

One Translator serves a serial line, or all messages of a broker.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Callable, Sequence
from typing import Final

from har_stream.device_translation import DeviceTranslation, Waiting
from har_stream.devices import LONGEST_ID
from har_stream.errors import ConfigError
from har_stream.fleet_translation import Message, fleet_blocks
from har_stream.formats.format import Decoded, Readings, Refusal, SensorRows
from har_stream.formats.reader import AUTO, LineReader, MessageReader, Reader, fits_line
from har_stream.formats.registry import DECODERS
from har_stream.profiles import Conversions, Profile, Profiles
from har_stream.reordering import StreamEnds
from har_stream.samples import Block, FleetBlock, Refused

UNNAMED = "unnamed"
"""A device that neither the source nor its payload names."""


WORTHWHILE: Final = 8
"""Devices whose messages cost less together than one by one."""
WORTHWHILE_AGAIN: Final = 64
"""The same where they have several: one by one the pipeline joins each device's, which spares it more."""


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
        self._conversions: dict[Profile, Conversions] = {}
        self._waiting = Waiting()
        self._readers: OrderedDict[str, Reader] = OrderedDict()
        self._devices: OrderedDict[str, DeviceTranslation] = OrderedDict()
        self._ends = StreamEnds(rows=max_devices + 1)
        self._free: list[int] = []

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

    def push_all(
        self, messages: Sequence[Message], refused: Callable[[int, Refused], None] = lambda _at, _why: None
    ) -> list[Block | FleetBlock]:
        """Translate messages, and call `refused` for what is refused of one, by its place.

        The blocks are those of push() for one after the other, each device's in order. Where there are more than
        max_devices others may be forgotten.
        """
        told: list[Block | FleetBlock] = []
        laps = _laps(messages)
        for lap in laps:
            rest: Sequence[int] = lap
            if len(lap) >= (WORTHWHILE if len(laps) == 1 else WORTHWHILE_AGAIN) and not self._stream:
                blocks, rest = fleet_blocks(messages, lap, self._devices, self._ends)
                told += blocks
                for block in blocks:
                    self._touch(block.devices)
            for at in rest:
                data, arrival_s, device, otherwise = messages[at]
                for one in self.push(data, arrival_s, device, otherwise=otherwise):
                    told.append(one)
                    if type(one) is Refused:
                        refused(at, one)
        return told

    def _touch(self, names: Sequence[str]) -> None:
        """Note that devices are not silent."""
        for known in self._devices, self._readers:
            deque(map(known.move_to_end, filter(known.__contains__, names)), maxlen=0)

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
            blocks += self._forget(name)  # its profile may have been that of its format
            device = None
        if device is None:
            profile = self._profile or self._profiles.of(name) or self._profiles.for_format(reader.format or "")
            device = DeviceTranslation(
                name,
                self._conversions.setdefault(profile, Conversions(profile)),
                nominal_hz=profile.rate_hz if self._rate_hz is None else self._rate_hz,
                format_name=reader.format,
                layouts=reader.layouts,
                model_rate_hz=self._model_rate_hz,
                reorders=not self._stream,  # a line brings nothing out of order
                in_all=self._waiting,
                ends=self._ends,
                row=self._free.pop() if self._free else len(self._devices),
            )
            self._devices[name] = device
            if len(self._devices) > self._most:
                blocks += self._forget(next(iter(self._devices)))
        self._devices.move_to_end(name)
        return device

    def _forget(self, name: str) -> list[Block]:
        """Know nothing more of a device; return what waited of it, or its refusal."""
        device = self._devices.pop(name)
        self._free.append(device.row)
        return device.flush()


def _laps(messages: Sequence[Message]) -> list[Sequence[int]]:
    """Return places of messages so that each device has one in a lap at most, and each device's are in order.

    A message whose payload must say its device stands alone, after all before it and before all after it.
    """
    names = [message[2] for message in messages]
    if None not in names and len(set(names)) == len(names):
        return [range(len(names))]
    laps: list[list[int]] = []
    count: dict[str, int] = {}
    first = 0
    for at, name in enumerate(names):
        if name is None:
            laps.append([at])
            first, count = len(laps), {}
            continue
        nth = count[name] = count.get(name, first - 1) + 1
        if nth == len(laps):
            laps.append([])
        laps[nth].append(at)
    return list(laps)
