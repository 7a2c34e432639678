"""What comes and goes is told as paho-mqtt tells it, plain or not."""

from __future__ import annotations

import socket
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st
from paho.mqtt.client import Client, MQTTMessageInfo
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode, MQTTProtocolVersion

from har_stream.mqtt.frugal_client import FrugalClient, Handed
from har_stream.mqtt.wire import Wire
from tests.mqtt_packets import EXPIRES, packet, publish

V5, V3 = MQTTProtocolVersion.MQTTv5, MQTTProtocolVersion.MQTTv311
PUBLISH, PUBACK, PUBCOMP = 0x30, 0x40, 0x70


class Told:
    """A client that was sent packets, and what it told of them; paho-mqtt's own, or ours by the way that ours goes."""

    def __init__(self, kind: type[Client], protocol: MQTTProtocolVersion, publish: int = 0) -> None:
        self.messages: list[tuple[bytes, bytes, bool]] = []
        self.refused: list[tuple[int, str]] = []
        self.far, near = socket.socketpair()
        near.settimeout(0.0)
        self.far.settimeout(0.0)
        self.client = client = kind(CallbackAPIVersion.VERSION2, protocol=protocol)
        self.wire = Wire(near)
        client._sock = cast("socket.socket", self.wire)  # noqa: SLF001 - as if connected
        client.on_message = self._message
        client.on_publish = self._acknowledged
        self.infos = [self.publish(b"t", b"x") for _ in range(publish)]

    def publish(self, topic: bytes, payload: bytes, *, retain: bool = False) -> Handed | MQTTMessageInfo:
        """Publish by ours, if it is ours and takes it."""
        handed = None
        if isinstance(self.client, FrugalClient):
            self.wire.gathers = True
            handed = self.client.hand_over(topic, payload, retain=retain)
            self.wire.gathers = False
            self.wire.flush()
        return handed or self.client.publish(topic.decode(), payload, qos=1, retain=retain)

    def read(self, data: bytes) -> MQTTErrorCode:
        """Read packets until nothing more comes or the connection ends."""
        self.far.sendall(data)
        answer = MQTTErrorCode.MQTT_ERR_SUCCESS
        while answer == MQTTErrorCode.MQTT_ERR_SUCCESS and self.wire.fill():
            if isinstance(self.client, FrugalClient):
                self.messages += self.client.take()
            if self.wire.pending():
                answer = self.client.loop_read()
        return answer

    def close(self) -> None:
        """Close both ends."""
        self.far.close()
        self.client._sock_close()  # noqa: SLF001 - whatever became of it
        self.wire.close()

    def _message(self, _client: Client, _data: Any, message: Any) -> None:
        self.messages.append((message._topic, bytes(message.payload), bool(message.retain)))  # noqa: SLF001

    def _acknowledged(self, _client: Client, _data: Any, mid: int, reason: Any, _properties: Any) -> None:
        if reason.is_failure:
            self.refused.append((mid, str(reason)))


def told(protocol: MQTTProtocolVersion, data: bytes, published: int = 0) -> list[tuple[Any, ...]]:
    """Return what ours and paho-mqtt's tell of the same packets, after so many messages were published."""
    found: list[tuple[Any, ...]] = []
    for kind in (FrugalClient, Client):
        one = Told(kind, protocol, published)
        answer = one.read(data)
        found.append((one.messages, one.refused, [info.is_published() for info in one.infos], answer))
        one.close()
    return found


BODIES = st.one_of(
    st.binary(max_size=40),
    st.builds(
        lambda topic, properties, payload: len(topic).to_bytes(2) + topic + properties + payload,
        st.binary(max_size=9),
        st.sampled_from([b"", b"\0", EXPIRES]),
        st.binary(max_size=9),
    ),
)
ENDS = st.sampled_from([b"", b"\0", b"\x10", b"\x10\0", b"\x87", b"\x87\0", b"\x11", b"\0\0\0"])


@given(st.sampled_from([V5, V3]), st.lists(st.tuples(st.integers(0, 15), BODIES), min_size=1, max_size=4))
def test_any_messages_are_told_as_by_paho_mqtt(
    protocol: MQTTProtocolVersion, messages: list[tuple[int, bytes]]
) -> None:
    frugal, paho = told(protocol, b"".join(packet(PUBLISH | flags, body) for flags, body in messages))
    assert frugal == paho


@given(
    st.sampled_from([V5, V3]),
    st.lists(st.tuples(st.sampled_from([PUBACK, PUBCOMP]), st.integers(1, 4), ENDS), min_size=1, max_size=4),
)
def test_any_acknowledgements_are_told_as_by_paho_mqtt(
    protocol: MQTTProtocolVersion, acknowledgements: list[tuple[int, int, bytes]]
) -> None:
    packets = [packet(command, mid.to_bytes(2) + end) for command, mid, end in acknowledgements]
    frugal, paho = told(protocol, b"".join(packets), published=3)
    assert frugal == paho


def test_a_refusal_is_told() -> None:
    frugal, paho = told(V5, packet(PUBACK, b"\0\2\x87"), published=2)
    assert frugal == paho == ([], [(2, "Not authorized")], [False, True], MQTTErrorCode.MQTT_ERR_SUCCESS)


def test_a_refusal_leaves_no_message_in_flight() -> None:
    one = Told(FrugalClient, V5, publish=1)
    one.read(packet(PUBACK, b"\0\1\x87"))
    assert one.client._inflight_messages == 0  # noqa: SLF001 - else paho-mqtt would have too many or too few
    one.close()


@pytest.mark.parametrize("cut", range(1, 12))
def test_a_message_that_comes_in_two_parts_is_told_once_and_in_its_order(cut: int) -> None:
    one = Told(FrugalClient, V3)
    parted = publish(b"i", b"like one")
    data = b"".join(publish(b"t", text) for text in (b"first", parted, b"last"))
    first = len(publish(b"t", b"first"))
    one.read(data[: first + cut])
    one.read(data[first + cut :])
    assert [payload for _, payload, _ in one.messages] == [b"first", parted, b"last"]
    one.close()


@given(
    st.sampled_from([V5, V3]),
    st.lists(st.tuples(st.text(min_size=1, max_size=5), st.binary(max_size=300), st.booleans()), max_size=4),
)
def test_what_is_handed_over_goes_out_as_paho_mqtt_sends_it(
    protocol: MQTTProtocolVersion, messages: list[tuple[str, bytes, bool]]
) -> None:
    sent = []
    for kind in (FrugalClient, Client):
        one = Told(kind, protocol)
        for topic, payload, retain in messages:
            if not set(topic) & set("+#"):
                one.publish(topic.encode(), payload, retain=retain)
        one.client.publish("end", "x", qos=0)
        sent.append(one.far.recv(9999))
        one.close()
    assert sent[0] == sent[1]


@pytest.mark.parametrize("topic", [b"", b"a/+", b"#", bytes(65_536)])
def test_what_is_not_lawful_is_left_to_paho_mqtt_to_refuse(topic: bytes) -> None:
    one = Told(FrugalClient, V3)
    with pytest.raises(ValueError, match="topic"):
        one.publish(topic, b"x")
    one.close()


def test_nothing_overtakes_what_paho_mqtt_still_has_to_send(monkeypatch: pytest.MonkeyPatch) -> None:
    one = Told(FrugalClient, V3)

    def full(_: Wire, _data: bytes) -> int:
        raise BlockingIOError

    with monkeypatch.context() as clogged:
        clogged.setattr(Wire, "send", full)
        one.client.publish("t", "first", qos=0)
    one.publish(b"t", b"second")
    sent = one.far.recv(99)
    assert sent.index(b"first") < sent.index(b"second")
    one.close()
