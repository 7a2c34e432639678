"""A link without a network: it connects, takes, acknowledges and breaks as a test says, in the test's own thread."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from paho.mqtt.client import MQTTMessageInfo

from har_stream.mqtt.connection import Connection, Message
from har_stream.mqtt.link import Traffic


class FakeConnection:
    """Notes what is published; acknowledge() acknowledges the oldest."""

    clogged = False

    def __init__(self, in_flight: int = 3) -> None:
        self.in_flight = in_flight
        self.published: list[Message] = []
        self.infos: list[MQTTMessageInfo] = []

    def publish(self, message: Message) -> MQTTMessageInfo:
        self.published.append(message)
        self.infos.append(MQTTMessageInfo(len(self.infos) + 1))
        return self.infos[-1]

    def acknowledge(self, count: int) -> None:
        for number in self.unacknowledged[:count]:
            self.acknowledge_one(number)

    def acknowledge_one(self, number: int) -> None:
        self.infos[number]._set_as_published()  # noqa: SLF001 - as paho-mqtt does

    @property
    def unacknowledged(self) -> list[int]:
        """The places of what is published and not acknowledged."""
        return [number for number, info in enumerate(self.infos) if not info.is_published()]

    @property
    def texts(self) -> list[str]:
        return [str(message.payload) for message in self.published]


class FakeLink:
    """Stands for har_stream.mqtt.link.BrokerLink; is_due tells that wake() asked for a turn()."""

    condition = "away"

    def __init__(self, *_: Any, traffic: Traffic, on_connected: Callable[[], None], **__: Any) -> None:
        self._traffic, self._on_connected = traffic, on_connected
        self.connection: FakeConnection | None = None
        self.is_due = False

    @property
    def connected(self) -> bool:
        return self.connection is not None

    def connect(self, connection: FakeConnection) -> None:
        self._traffic.begin(cast("Connection", connection))
        self.connection = connection
        self._on_connected()
        self.is_due = True

    def turn(self) -> None:
        self.is_due = False
        if self.connection is not None:
            self._traffic.turn(cast("Connection", self.connection))

    def drop(self) -> None:
        self.connection = None
        self._traffic.end()

    def wake(self) -> None:
        self.is_due = True

    def open(self) -> None:
        """Connect only when connect() is called."""

    def revive(self) -> None:
        """Have no thread that could die."""

    def close(self, within_s: float) -> None:
        self.connection = None
