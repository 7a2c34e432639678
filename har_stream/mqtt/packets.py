"""The packets that come and go by the thousand, from bytes and to bytes, and nothing else; no I/O.

    PUBLISH, QoS 0    30 | length | topic's length, topic |         [00] | payload      31: retained
    PUBLISH, QoS 1    32 | length | topic's length, topic | number, [00] | payload      33: to be retained
    PUBACK            40 | length | number [, reason: 00 or 10 [, 00]]

In brackets what MQTT 5 has; properties that are not empty are not plain. All numbers but the length have two bytes.
Source: MQTT 3.1.1 (OASIS 2014) and 5.0 (OASIS 2019), 2.2.3, 3.3, 3.4.
"""

from __future__ import annotations

from typing import Final, NamedTuple

MESSAGE, RETAINED, QOS_1, PUBACK = 0x30, 0x31, 0x32, 0x40
NUMBER_BYTES: Final = 2
SHORT: Final = 0x80
"""Below it the first digit of a length is the whole; else 7 bits of it, and more follow."""
MOST_DIGITS: Final = 4
LONGEST_TOPIC: Final = 0xFFFF
LONGEST_PAYLOAD: Final = 0xFFFFFFF - 2 * NUMBER_BYTES - LONGEST_TOPIC - 1
"""With the longest topic before it, the most that a length can tell."""
TAKEN: Final = {False: (b"",), True: (b"", b"\x00", b"\x10")}
"""How an acknowledgement of a message that was taken ends, by whether it is MQTT 5's."""

PlainMessage = tuple[bytes, bytes, bool]
"""Topic, payload, and whether the broker had retained it."""


class Plain(NamedTuple):
    """Messages and numbers of acknowledged messages in the order in which they came, and where the packets ended."""

    messages: list[PlainMessage]
    acknowledged: list[int]
    end: int


def plain_packets(data: bytes, at: int, *, v5: bool) -> Plain:
    """Return what stands in data from `at` on, up to the first packet that is not plain, or is not whole."""
    messages: list[PlainMessage] = []
    acknowledged: list[int] = []
    size, taken = len(data), TAKEN[v5]
    while at + NUMBER_BYTES <= size:
        command, length, body = data[at], data[at + 1], at + 2
        if length >= SHORT:
            length, body = _length(data, at + 1)
        end = body + length
        if end > size or length < NUMBER_BYTES:
            break
        number = data[body] << 8 | data[body + 1]
        begin = body + NUMBER_BYTES
        if command in (MESSAGE, RETAINED):
            payload = begin + number + v5
            if not number or payload > end or (v5 and data[payload - 1]):
                break
            messages.append((data[begin : begin + number], data[payload:end], command == RETAINED))
        elif command == PUBACK and data[begin:end] in taken:
            acknowledged.append(number)
        else:
            break
        at = end
    return Plain(messages, acknowledged, at)


def _length(data: bytes, at: int) -> tuple[int, int]:
    """Return a packet's length of several digits and where they end; (0, at) where they are not whole or too many."""
    length = 0
    for place in range(min(MOST_DIGITS, len(data) - at)):
        digit = data[at + place]
        length |= (digit & ~SHORT) << 7 * place
        if digit < SHORT:
            return length, at + place + 1
    return 0, at


def qos_1_packet(topic: bytes, payload: bytes, number: int, *, retain: bool, v5: bool) -> bytes:
    """Return a message with QoS 1 as it goes over the wire; topic and payload no longer than the longest."""
    left = 2 * NUMBER_BYTES + v5 + len(topic) + len(payload)
    digits = bytearray()
    while left >= SHORT:
        digits.append(left & ~-SHORT | SHORT)
        left >>= 7
    digits.append(left)
    head = b"%c%b%b%b%b" % (QOS_1 | retain, bytes(digits), len(topic).to_bytes(2), topic, number.to_bytes(2))
    return head + bytes(v5) + payload
