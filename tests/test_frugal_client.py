"""What comes plain is told as paho-mqtt tells it, and what is not plain is left to it."""

from __future__ import annotations

import socket
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode, MQTTProtocolVersion

from har_stream.mqtt.frugal_client import FrugalClient, plain_message

V5, V3 = MQTTProtocolVersion.MQTTv5, MQTTProtocolVersion.MQTTv311
PUBLISH, PUBACK = 0x30, 0x40
EXPIRES = b"\x05\x02\x00\x00\x00\x09"
"""Properties with one in them: the message expires in nine seconds."""


class Told:
    """A client that was sent packets, and what it told of them."""

    def __init__(self, kind: type[Client], protocol: MQTTProtocolVersion, publish: int = 0) -> None:
        self.messages: list[tuple[bytes, bytes, bool]] = []
        self.plain = 0
        self.acknowledged: list[tuple[int, str]] = []
        self._far, near = socket.socketpair()
        near.settimeout(0.0)
        self.client = client = kind(CallbackAPIVersion.VERSION2, protocol=protocol)
        client._sock = near  # noqa: SLF001 - as if connected
        client.on_message = self._message
        client.on_publish = self._acknowledged
        if isinstance(client, FrugalClient):
            client.on_plain = self._plain
        self.infos = [client.publish("t", "x", qos=1) for _ in range(publish)]

    def read(self, command: int, body: bytes) -> MQTTErrorCode:
        length = bytes([len(body) & 127 | 128, len(body) >> 7])
        self._far.sendall(bytes([command]) + length + body)
        answer = self.client.loop_read()
        self._far.close()
        self.client._sock_close()  # noqa: SLF001 - whatever became of it
        return answer

    def _message(self, _client: Client, _data: Any, message: Any) -> None:
        self.messages.append((message._topic, bytes(message.payload), bool(message.retain)))  # noqa: SLF001

    def _plain(self, topic: bytes, payload: bytes, retained: bool) -> None:  # noqa: FBT001 - as it is called
        self.plain += 1
        self.messages.append((topic, payload, retained))

    def _acknowledged(self, _client: Client, _data: Any, mid: int, reason: Any, _properties: Any) -> None:
        self.acknowledged.append((mid, str(reason)))


def both(
    protocol: MQTTProtocolVersion, command: int, body: bytes, publish: int = 0
) -> tuple[Told, MQTTErrorCode, Told, MQTTErrorCode]:
    frugal, paho = Told(FrugalClient, protocol, publish), Told(Client, protocol, publish)
    return frugal, frugal.read(command, body), paho, paho.read(command, body)


def message(topic: bytes, payload: bytes, properties: bytes) -> bytes:
    return len(topic).to_bytes(2) + topic + properties + payload


@given(
    st.sampled_from([V5, V3]),
    st.integers(0, 15),
    st.one_of(
        st.binary(max_size=40),
        st.builds(message, st.binary(max_size=9), st.binary(max_size=9), st.sampled_from([b"", b"\0", EXPIRES])),
    ),
)
def test_any_message_is_told_as_by_paho_mqtt(protocol: MQTTProtocolVersion, flags: int, body: bytes) -> None:
    frugal, answer, paho, wanted = both(protocol, PUBLISH | flags, body)
    assert (frugal.messages, answer) == (paho.messages, wanted)


@pytest.mark.parametrize(
    ("protocol", "flags", "body", "plain"),
    [
        (V5, 0, message(b"har/a/imu", b"\x00\xff", b"\0"), True),
        (V5, 1, message(b"\xff", b"", b"\0"), True),
        (V3, 0, message(b"t", b"\0", b""), True),
        (V5, 0, message(b"t", b"x", EXPIRES), False),
        (V5, 2, message(b"t", b"x", b"\0"), False),
        (V3, 0, message(b"", b"x", b""), False),
        (V5, 0, b"\0\x09short", False),
    ],
)
def test_what_is_plain(protocol: MQTTProtocolVersion, flags: int, body: bytes, plain: bool) -> None:  # noqa: FBT001
    frugal, answer, paho, wanted = both(protocol, PUBLISH | flags, body)
    assert frugal.plain == plain
    assert (plain_message(PUBLISH | flags, bytearray(body), v5=protocol == V5) is not None) == plain
    assert (frugal.messages, answer) == (paho.messages, wanted)


@given(
    st.sampled_from([V5, V3]),
    st.integers(1, 3),
    st.sampled_from([b"", b"\0", b"\x10", b"\x10\0", b"\x87", b"\x87\0", b"\x11", b"\0\0\0"]),
)
def test_any_acknowledgement_is_told_as_by_paho_mqtt(protocol: MQTTProtocolVersion, mid: int, end: bytes) -> None:
    frugal, answer, paho, wanted = both(protocol, PUBACK, mid.to_bytes(2) + end, publish=2)
    ours, theirs = ([info.is_published() for info in told.infos] for told in (frugal, paho))
    assert (ours, answer) == (theirs, wanted)
    assert [mid for mid, _ in frugal.acknowledged] == [mid for mid, _ in paho.acknowledged]
    refused = [[text for _, text in told.acknowledged if text == "Not authorized"] for told in (frugal, paho)]
    assert refused[0] == refused[1]
