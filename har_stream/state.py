"""What is kept of each device across restarts, and the bytes it is kept as. No I/O.

    {"format":1,"sha256":"...","devices":{"phone":{"upright":{"gravity":[0.8,0.6,0.0],"windows":57},
     "days":{"2026-11-24":{"walking":61.4}}}}}

sha256 is that of the bytes of "devices". Devices stand in the order in which they were last heard of. A part that
a device may lack can be added without a new format; whoever does not know it passes over it.
"""

from __future__ import annotations

import hashlib
from typing import Final

import msgspec

from har_stream.day_book import Days
from har_stream.upright import UprightState

FORMAT: Final = 1


class DeviceState(msgspec.Struct, frozen=True, omit_defaults=True):
    """One device: its upright reference, and its seconds of each activity by local day."""

    upright: UprightState | None = None
    days: Days = {}


States = dict[str, DeviceState]
"""By device id, the one that was heard of longest ago first."""


class UnreadableStateError(ValueError):
    """Bytes that are not states that can be read here; kind is "damaged" or "newer"."""

    def __init__(self, kind: str, reason: str) -> None:
        super().__init__(reason)
        self.kind = kind


class _Envelope(msgspec.Struct, frozen=True):
    format: int
    sha256: str
    devices: msgspec.Raw


class _Format(msgspec.Struct, frozen=True):
    format: int


def encode(states: States) -> bytes:
    """Return states as the bytes of a file."""
    devices = msgspec.json.encode(states)
    digest = hashlib.sha256(devices).hexdigest()
    return msgspec.json.encode(_Envelope(FORMAT, digest, msgspec.Raw(devices))) + b"\n"


def decode(data: bytes) -> States:
    """Return the states that encode() made bytes of. Raises UnreadableStateError for any other bytes."""
    try:
        version = msgspec.json.decode(data, type=_Format).format
        if version > FORMAT:
            raise UnreadableStateError("newer", f"of format {version}, this har-stream knows {FORMAT}")
        envelope = msgspec.json.decode(data, type=_Envelope)
        if version < FORMAT or hashlib.sha256(envelope.devices).hexdigest() != envelope.sha256:
            raise UnreadableStateError("damaged", "its checksum is wrong")
        return msgspec.json.decode(envelope.devices, type=States)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise UnreadableStateError("damaged", "damaged, or not one of har-stream's") from None


class DeviceMemory:
    """The states of at most `limit` devices; the one kept longest ago goes first."""

    def __init__(self, *, limit: int) -> None:
        self._limit = limit
        self._states: States = {}

    def get(self, device: str) -> DeviceState | None:
        """Return a device's state, None where there is none."""
        return self._states.get(device)

    def keep(self, device: str, state: DeviceState) -> None:
        """Take a device's state, as the newest."""
        self._states.pop(device, None)
        self._states[device] = state
        if len(self._states) > self._limit:
            del self._states[next(iter(self._states))]

    def states(self) -> States:
        """Return a copy of all."""
        return dict(self._states)
