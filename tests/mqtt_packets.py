"""MQTT packets, written down as the standard has them."""

from __future__ import annotations

PUBLISH = 0x30
NONE = b"\0"
EXPIRES = b"\x05\x02\x00\x00\x00\x09"
"""Properties: none, and that the message expires in nine seconds."""


def packet(command: int, body: bytes) -> bytes:
    """Return a packet; its length in as many digits as it takes."""
    left, digits = len(body), b""
    while True:
        left, digit = divmod(left, 128)
        digits += bytes([digit + 128 * (left > 0)])
        if not left:
            return bytes([command]) + digits + body


def publish(topic: bytes, payload: bytes, *, number: bytes = b"", properties: bytes = b"", flags: int = 0) -> bytes:
    """Return a message."""
    return packet(PUBLISH | flags, len(topic).to_bytes(2) + topic + number + properties + payload)
