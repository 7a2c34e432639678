"""One connection to a broker, from the first packet to the end, and what became of it.

It drives paho-mqtt's client step by step in the caller's thread: whatever a connection raises, from a broken packet to
a bad certificate, ends that connection alone, and no thread of paho's can die of it unseen.
"""

from __future__ import annotations

import select
import socket
import time
from dataclasses import dataclass
from threading import Event
from typing import Any, Final, Protocol

import msgspec
from paho.mqtt.client import Client, MQTTMessage, MQTTMessageInfo
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from har_stream.broker import Broker
from har_stream.mqtt.crowd import Crowd
from har_stream.mqtt.frugal_client import FrugalClient, Handed
from har_stream.mqtt.packets import PlainMessage
from har_stream.mqtt.waker import Waker
from har_stream.mqtt.wire import Wire
from har_stream.settings import MQTT_PASSWORD, MqttSettings

POLL_MS: Final = 250
"""How long the thread waits before it looks whether it shall end."""
GATHER_MS: Final = 10
"""How long messages are left with the network where many come, to be taken together."""
CONNECT_S: Final = 5.0
AT_ONCE: Final = 10
"""Pieces that are read at most before the listener has its turn."""
ROOM: Final = 16
"""Packets of more than so many largest payloads the broker need not send at all, where it speaks MQTT 5."""
LONGEST_PACKET: Final = 268_435_455
IN_FLIGHT: Final = 20
"""Messages that may wait for the broker's acknowledgement, if it takes so many: what a broken connection repeats."""

V5, V3 = MQTTProtocolVersion.MQTTv5, MQTTProtocolVersion.MQTTv311
"""The first tells why it ends a connection; the second all brokers speak."""

LOST: Final = "connection lost"
TAKEN_OVER: Final = "Session taken over"
UNTOLD: Final = "Unspecified error"
SILENT: Final = "Keep alive timeout"
OTHER_PROTOCOL: Final = "Unsupported protocol version"
PASSING: Final = ("Server unavailable", "Server busy", OTHER_PROTOCOL)
"""What a broker says that may take us a moment later."""
UNKNOWN_USER: Final = ("Not authorized", "Bad user name or password")


@dataclass(frozen=True, slots=True)
class Message:
    """A message to be published."""

    topic: str
    payload: str | bytes
    qos: int = 1
    retain: bool = False

    @property
    def encoded(self) -> tuple[bytes, bytes]:
        """Topic and payload as they go out."""
        return self.topic.encode(), self.payload.encode() if isinstance(self.payload, str) else self.payload


class Received(msgspec.Struct, frozen=True, gc=False):
    """A message that came, and the time of its arrival, in s on the monotonic clock."""

    topic: str
    payload: bytes
    retained: bool
    arrival_s: float


class Listener(Protocol):
    """Who a connection tells what happens, from the thread that runs it."""

    def welcomed(self) -> None:
        """Note that the broker took us."""

    def turn(self, connection: Connection) -> None:
        """Publish and subscribe what waits; called after whatever happened, while the connection stands."""

    def received(self, messages: list[Received]) -> None:
        """Take messages that came together, in their order."""

    def subscribed(self, mid: int, refusal: str) -> None:
        """Note the answer to subscribe(): a refusal, or ""."""

    def refused(self, mid: int, reason: str) -> None:
        """Note that the broker would not take a message."""


class Connection:
    """A client for one connection.

    reached tells that the broker's machine answered, welcome_s when the broker took us; why is what ended it where that
    is known, lasting that the next attempt will hardly fare better; taken_over that another client has our id.
    """

    def __init__(
        self,
        broker: Broker,
        settings: MqttSettings,
        listener: Listener,
        *,
        client_id: str,
        protocol: MQTTProtocolVersion,
        will: Message | None,
    ) -> None:
        self._broker, self._settings, self._listener, self._protocol = broker, settings, listener, protocol
        self.reached = self.lasting = self.taken_over = False
        self.welcome_s: float | None = None
        self.why = ""
        self.in_flight = IN_FLIGHT
        self._came: list[Received] = []
        self._crowd = Crowd()
        self._client = self._make_client(client_id, will)

    def run(self, closing: Event, waker: Waker) -> None:
        """Connect, and go on for as long as it goes or until `closing`. Raises whatever paho-mqtt may."""
        client = self._client
        try:
            client.connect(
                self._broker.host,
                self._broker.port,
                keepalive=max(1, self._settings.keepalive_s - 1),  # for its two rounds to be over within two of ours
                properties=self._properties(),
            )
            self.reached = True
            if (wire := self._wire) is not None:  # else it broke while the first packet went out
                wire.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            while self._step(waker):
                if self.welcome_s is not None:
                    self._listener.turn(self)
                    self._flush()
                if closing.is_set():
                    client.disconnect()
                    return
        finally:
            left = client.socket()
            if left is not None:
                left.close()

    def publish(self, message: Message) -> Handed | MQTTMessageInfo:
        """Hand a message over to go out with all others of a turn. Raises ConnectionError where that has broken."""
        if (link := self._wire) is not None:
            link.gathers = message.qos > 0  # of others nobody would tell us that they went out
        if message.qos == 1 and (handed := self._client.hand_over(*message.encoded, retain=message.retain)) is not None:
            return handed
        info = self._client.publish(message.topic, message.payload, qos=message.qos, retain=message.retain)
        if info.rc != MQTTErrorCode.MQTT_ERR_SUCCESS:
            raise ConnectionError(0, LOST)
        return info

    def subscribe(self, topic_filter: str) -> int:
        """Ask for messages; returns the number that the answer will have."""
        return self._client.subscribe(topic_filter, qos=0)[1] or 0

    @property
    def clogged(self) -> bool:
        """Tell whether the network does not take what was handed over."""
        return self._client.want_write() or (self._wire is not None and not self._wire.gathers and self._wire.unsent)

    @property
    def _wire(self) -> Wire | None:
        return self._client.socket()  # type: ignore[return-value]  # as FrugalClient makes it

    def _flush(self) -> None:
        """Send what a turn published, as far as the network takes it. Raises ConnectionError where that has broken."""
        if (link := self._wire) is not None:
            link.gathers = False
            try:
                link.flush()
            except OSError:
                raise ConnectionError(0, LOST) from None

    def _step(self, waker: Waker) -> bool:
        """Wait for the network, a moment or wake(), and do what is to be done; tells whether the connection stands."""
        client = self._client
        link = self._wire
        if link is None:
            return False
        # Acknowledged at once: else a broker that gathers small packets (Nagle) waits 40 ms for it with its next words.
        link.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)
        poll = select.poll()
        poll.register(waker, select.POLLIN)
        if self._crowd.comes:
            poll.poll(GATHER_MS)
        poll.register(link, select.POLLIN | (select.POLLOUT if self.clogged else 0))
        held = link.pending()
        happened = dict(poll.poll(0 if held else POLL_MS))
        if waker.fileno() in happened:
            waker.clear()
        events = happened.get(link.fileno(), 0)
        if (held or events & ~select.POLLOUT) and not self._read(link):
            return False
        if events & select.POLLOUT:
            self._flush()
            if client.loop_write() != MQTTErrorCode.MQTT_ERR_SUCCESS:
                return False
        return client.loop_misc() == MQTTErrorCode.MQTT_ERR_SUCCESS

    def _read(self, link: Wire) -> bool:
        """Take in what has come, and pass the messages on; tells whether the connection stands."""
        try:
            for _ in range(AT_ONCE):
                came = link.fill()
                self._come(self._client.take())
                held = link.front[1] < len(link.front[0])
                if (held or not came) and self._client.loop_read() != MQTTErrorCode.MQTT_ERR_SUCCESS:
                    return False
                if not link.pending():
                    break
            return True
        finally:
            if self._came:
                messages, self._came = self._came, []
                self._crowd.note(len(messages))
                self._listener.received(messages)

    def _come(self, messages: list[PlainMessage]) -> None:
        now_s = time.monotonic()
        self._came += [
            Received(topic.decode(errors="replace"), payload, retained, now_s) for topic, payload, retained in messages
        ]

    def _make_client(self, client_id: str, will: Message | None) -> FrugalClient:
        # Without a session at the broker: what was not acknowledged is sent again by us, in its order.
        client = FrugalClient(CallbackAPIVersion.VERSION2, client_id=client_id, protocol=self._protocol)
        client.connect_timeout = CONNECT_S
        if self._broker.user is not None:
            client.username_pw_set(self._broker.user, self._broker.password)
        if self._broker.tls is not None:
            client.tls_set_context(self._broker.tls)
        if will is not None:
            client.will_set(will.topic, will.payload, will.qos, will.retain)
        client.on_connect = self._on_connect
        client.on_subscribe = self._on_subscribe
        client.on_disconnect = self._on_disconnect
        client.on_message = self._on_message
        client.on_publish = self._on_publish
        return client

    def _properties(self) -> Properties | None:
        if self._protocol != V5:
            return None
        properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]  # as paho-mqtt has it
        properties.MaximumPacketSize = min(LONGEST_PACKET, ROOM * self._settings.payload_limit)
        return properties

    def _on_connect(self, _client: Client, _data: Any, _flags: Any, reason: ReasonCode, properties: Any) -> None:
        if reason.is_failure:
            text = str(reason)
            hint = f" (mqtt://USER@host, {MQTT_PASSWORD} or mqtt.password_file)" if text in UNKNOWN_USER else ""
            self.why = text if text == OTHER_PROTOCOL else f"refuses us: {text}{hint}"
            self.lasting = text not in PASSING
            return
        self.in_flight = min(IN_FLIGHT, getattr(properties, "ReceiveMaximum", IN_FLIGHT))
        self.welcome_s = time.monotonic()
        self._listener.welcomed()

    def _on_subscribe(self, _client: Client, _data: Any, mid: int, reasons: list[ReasonCode], _properties: Any) -> None:
        refused = next((str(reason) for reason in reasons if reason.is_failure), "")
        self._listener.subscribed(mid, refused)

    def _on_publish(self, _client: Client, _data: Any, mid: int, reason: ReasonCode, _properties: Any) -> None:
        if reason.is_failure:
            self._listener.refused(mid, str(reason))

    def _on_disconnect(self, _client: Client, _data: Any, _flags: Any, reason: ReasonCode, _properties: Any) -> None:
        text = str(reason)
        if text == TAKEN_OVER:
            self.taken_over = self.lasting = True
        elif self.welcome_s is not None:
            self.why = LOST if text == UNTOLD else f"{LOST}: {text}"
        elif text == SILENT:
            self.why = "does not answer"

    def _on_message(self, _client: Client, _data: Any, message: MQTTMessage) -> None:
        try:
            topic = message.topic
        except UnicodeDecodeError as error:
            topic = error.object.decode(errors="replace")
        self._came.append(Received(topic, bytes(message.payload), message.retain, time.monotonic()))
