"""A connection step by step: what goes out together, and what is left to come together."""

from __future__ import annotations

import re
import select
import socket
from typing import Any

import pytest

from har_stream.broker import parse_broker
from har_stream.mqtt.connection import GATHER_MS, POLL_MS, V3, Connection, Message
from har_stream.mqtt.link import BrokerLink
from har_stream.mqtt.waker import Waker
from har_stream.mqtt.wire import Wire
from har_stream.settings import MqttSettings
from har_stream.uri import parse_uri
from tests.mqtt_packets import publish


def test_of_a_turn_only_what_is_acknowledged_goes_out_together() -> None:
    broker = parse_broker(parse_uri("mqtt://127.0.0.1:1"), MqttSettings())
    link = BrokerLink(broker, MqttSettings())
    connection = Connection(broker, MqttSettings(), link, client_id="x", protocol=V3, will=None)
    near, far = socket.socketpair()
    with near, far:
        near.settimeout(0.0)
        far.settimeout(0.0)
        connection._client._sock = Wire(near)  # noqa: SLF001 - as if connected
        connection.publish(Message("t", "one"))
        connection.publish(Message("t", "two"))
        with pytest.raises(BlockingIOError):
            far.recv(99)
        info = connection.publish(Message("t", "three", qos=0))
        assert info.is_published()
        assert re.findall(b"one|two|three", far.recv(99)) == [b"one", b"two", b"three"]


POLL = select.poll


class Polls:
    """How long each poll was to wait, in ms."""

    def __init__(self) -> None:
        self.timeouts_ms: list[int] = []

    def new(self) -> Polls:
        self._poll = POLL()
        return self

    def register(self, file: Any, events: int) -> None:
        self._poll.register(file, events)

    def poll(self, timeout_ms: int) -> list[tuple[int, int]]:
        self.timeouts_ms.append(timeout_ms)
        return self._poll.poll(0)


@pytest.mark.parametrize(("many", "then_ms"), [(49, []), (50, [GATHER_MS])])
def test_where_many_messages_come_they_are_left_to_gather(
    monkeypatch: pytest.MonkeyPatch, many: int, then_ms: list[int]
) -> None:
    broker = parse_broker(parse_uri("mqtt://127.0.0.1:1"), MqttSettings())
    link = BrokerLink(broker, MqttSettings())
    came: list[int] = []
    link.subscribe("#", lambda messages: came.append(len(messages)))
    connection = Connection(broker, MqttSettings(), link, client_id="x", protocol=V3, will=None)
    polls, waker = Polls(), Waker()
    monkeypatch.setattr(select, "poll", polls.new)
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()) as near:
        far, _ = server.accept()
        with far:
            near.settimeout(0.0)
            connection._client._sock = Wire(near)  # noqa: SLF001 - as if connected
            far.sendall(publish(b"t", b"x") * many)
            select.select([near], [], [], 5)
            connection._step(waker)  # noqa: SLF001 - one step of run()
            connection._step(waker)  # noqa: SLF001 - and the next
    assert came == [many]
    assert polls.timeouts_ms == [POLL_MS, *then_ms, POLL_MS]
