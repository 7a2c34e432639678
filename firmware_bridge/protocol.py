"""What travels in a frame, and what a receiver says of one that it cannot read. WIRE_FORMAT.md is the whole story."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

DELIMITER = b"\0"
"""Ends every frame and stands nowhere inside one."""

FRAME_MAX = 512
"""Bytes of the longest frame, as it is on the wire, without its delimiter."""

LENGTH_BYTES = 2
CRC_BYTES = 2
FLOAT32_BYTES = 4
CHANNELS_MAX = 16
CHANNEL_NAME_MAX = 5
"""Bytes of UTF-8."""
NAME_MAX = 31
"""Bytes of UTF-8."""
DEPTH_MAX = 8
"""How deep a message may nest maps, arrays and tags."""

U8_MAX = 0xFF
U16_MAX = 0xFFFF
U32_MAX = 0xFFFF_FFFF
I32_MIN = -0x8000_0000
I32_MAX = 0x7FFF_FFFF
MICRO = 1_000_000
"""Integer values on the wire are millionths of the unit."""

SESSION_TYPE = "si"
SAMPLE_TYPE = "sd"
FLOAT32_ARRAY_TAG = 85
"""RFC 8746: a byte string of little-endian float32, the only tag that a message may hold."""


class Status(IntEnum):
    """Why a frame is corrupt. Numbers and names are those of c/har_wire.h."""

    OVERSIZE = 1
    BAD_COBS = 2
    BAD_LENGTH = 3
    BAD_CRC = 4
    BAD_CBOR = 5
    UNKNOWN_TYPE = 6
    BAD_FIELDS = 7
    WRONG_CHANNELS = 8


@dataclass(frozen=True, slots=True)
class SessionInfo:
    """Who is sending; comes at the start and every few seconds, and says the same until the device boots anew.

    session_id    u32, random at boot: a new one means that the device rebooted
    rate_hz       samples a second, 1 to 65535
    channel_names 1 to 16 texts of at most 5 bytes of UTF-8, such as ax ay az gx gy gz
    sensor_type   u8, the application's own meaning
    dropped       u32, samples that the device has failed to send since it booted
    name          at most 31 bytes of UTF-8
    """

    session_id: int
    rate_hz: int
    channel_names: tuple[str, ...]
    sensor_type: int = 0
    dropped: int = 0
    name: str = ""

    @property
    def channels(self) -> int:
        """How many values every sample of this session has."""
        return len(self.channel_names)


@dataclass(slots=True)  # to freeze it would treble its cost, which is paid for each sample
class Sample:
    """One reading of all channels.

    sequence      u32, counts the samples sent and wraps
    timestamp_ms  u32, milliseconds since the session began, wraps after 49.7 days
    values        one number a channel, in the units of the device's profile; not always finite
    micro         they travel as int32 millionths of the unit, not as float32
    """

    sequence: int
    timestamp_ms: int
    values: tuple[float, ...]
    micro: bool = False


@dataclass(frozen=True, slots=True)
class Corrupt:
    """A frame that could not be read: why, and how many bytes it had on the wire before its delimiter."""

    status: Status
    length: int


Frame = SessionInfo | Sample | Corrupt
