"""The connection to a broker that messages come from: a thread that subscribes, listens, and comes back.

    connect -> subscribe -> messages to the inbox -> lost or refused, told once -> wait (Backoff) -> connect

It drives paho-mqtt's own loop step by step, with a client of its own for every connection: whatever a connection
raises, from a broken packet to a bad certificate, ends that connection alone, and is told by its reason.

Subscribed with QoS 0 and a clean session: samples that a broker kept during an outage come too late to be of use, a
lost block is a gap that the stream knows how to take, and acknowledgements would cost a packet for each message.
"""

from __future__ import annotations

import logging
import secrets
import ssl
import time
from dataclasses import dataclass
from threading import Event, Thread
from typing import Any, Final

from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from har_stream.backoff import Backoff
from har_stream.broker import Broker
from har_stream.settings import MQTT_PASSWORD, MqttSettings
from har_stream.sources.inbox import Inbox, Message
from har_stream.sources.source import CONNECTED, CONNECTING
from har_stream.sources.topics import TopicFilter

POLL_S: Final = 0.25
"""How long the thread listens before it looks whether it shall end."""
CONNECT_S: Final = 5.0
CLOSE_S: Final = 1.0
STEADY_S: Final = 10.0
"""A connection that lasted so long was a good one; one that ends sooner is part of the same trouble."""
MOST_CUT_SHORT: Final = 2
"""Connections in a row that a broker ends soon and without a word: then somebody else may have our client id."""
ROOM: Final = 16
"""Packets of more than so many largest payloads the broker need not send at all, where it speaks MQTT 5."""
LONGEST_PACKET: Final = 268_435_455

V5, V3 = MQTTProtocolVersion.MQTTv5, MQTTProtocolVersion.MQTTv311
"""The first tells why it ends a connection; the second all brokers speak."""

SUBSCRIBING: Final = "not subscribed yet"
TAKEN_OVER: Final = "Session taken over"
LOST: Final = "connection lost"
CLOSED: Final = "closes the connection at once (does it ask for TLS, mqtts://?)"
UNTOLD: Final = "Unspecified error"
SILENT: Final = "Keep alive timeout"
OTHER_PROTOCOL: Final = "Unsupported protocol version"
PASSING: Final = ("Server unavailable", "Server busy", OTHER_PROTOCOL)
"""What a broker says that may take us a moment later."""
UNKNOWN_USER: Final = ("Not authorized", "Bad user name or password")

log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Attempt:
    """What became of a connection."""

    reached: bool = False
    welcome_s: float | None = None
    why: str = ""
    lasting: bool = False
    """Tells that the next attempt will hardly fare better."""


class BrokerLink:
    """Keeps a connection while it is open, and puts what comes into the inbox.

    condition tells how it stands: CONNECTED, or why nothing comes; connects how often the broker took us.
    """

    def __init__(self, broker: Broker, topics: tuple[TopicFilter, ...], inbox: Inbox, settings: MqttSettings) -> None:
        self._broker, self._topics, self._inbox, self._settings = broker, topics, inbox, settings
        # The sinks' client has the name itself, and may be on the same broker.
        self._client_id = f"{settings.client_id}-in" if settings.client_id else f"har-stream-{secrets.token_hex(4)}"
        self._backoff = Backoff(least_s=settings.backoff_min_s, most_s=settings.backoff_max_s)
        self._protocol, self._protocol_known = V5, False
        self._attempt = _Attempt()
        self._cut_short = 0
        self._told: set[str] = set()
        self._asked: dict[int | None, str] = {}
        self.condition = CONNECTING
        self.connects = 0
        self._closing = Event()
        self._thread = self._new_thread()

    def open(self) -> None:
        """Begin to connect, for as long as it takes."""
        self._thread.start()

    def revive(self) -> None:
        """Put a new thread in the place of one that died, whatever of."""
        if not self._thread.is_alive():
            log.error("%s: the network's thread has died; a new one takes its place", self._broker.name)
            self._thread = self._new_thread()
            self._thread.start()

    def close(self) -> None:
        """Leave the broker."""
        self._closing.set()
        self._thread.join(CLOSE_S)  # one that sits in an attempt to connect ends with the process

    def _new_thread(self) -> Thread:
        return Thread(target=self._run, name=f"source {self._broker.name}", daemon=True)

    def _run(self) -> None:
        while not self._closing.is_set():
            self._attempt = attempt = _Attempt()
            try:
                self._connection()
            except Exception as error:  # noqa: BLE001 - the network and the broker choose what paho raises
                attempt.why, attempt.lasting = _told(error), isinstance(error, ssl.SSLCertVerificationError)
            if not self._closing.is_set():
                self._closing.wait(self._pause_s(attempt))

    def _connection(self) -> None:
        """Connect, and listen for as long as it goes. Raises whatever paho-mqtt may."""
        client = self._make_client()
        try:
            client.connect(
                self._broker.host,
                self._broker.port,
                keepalive=max(1, self._settings.keepalive_s - 1),  # for its two rounds to be over within two of ours
                properties=self._properties(),
            )
            self._attempt.reached = True
            while client.loop(POLL_S) == MQTTErrorCode.MQTT_ERR_SUCCESS:
                if self._closing.is_set():
                    client.disconnect()
                    return
        finally:
            socket = client.socket()
            if socket is not None:
                socket.close()

    def _pause_s(self, attempt: _Attempt) -> float:
        """Tell what happened, if it was not told yet, and return how long to wait until the next attempt."""
        now_s = time.monotonic()
        if attempt.welcome_s is not None:
            self._judge(attempt, steady=now_s - attempt.welcome_s >= STEADY_S)
        if attempt.why != OTHER_PROTOCOL:
            self._tell(attempt.why or (CLOSED if attempt.welcome_s is None else LOST))
        if attempt.reached and attempt.welcome_s is None and not attempt.lasting and not self._protocol_known:
            self._protocol = V3 if self._protocol == V5 else V5
        return self._backoff.refused() if attempt.lasting else self._backoff.missed(now_s)

    def _judge(self, attempt: _Attempt, *, steady: bool) -> None:
        """Begin anew after a good connection; know by those that are cut short who takes our place and says nothing."""
        if steady:
            self._backoff.reset()
            self._told.clear()
        self._cut_short = 0 if steady else self._cut_short + (attempt.why == LOST)
        if self._cut_short >= MOST_CUT_SHORT and self._settings.client_id:
            attempt.why = f"{LOST} again and again: perhaps {self._rival}"
            attempt.lasting = True

    @property
    def _rival(self) -> str:
        """Two with one client id throw each other out in turn, as many brokers do without a word."""
        return (
            f"another client takes our place with our client id {self._client_id!r}: give each its own, mqtt.client_id"
        )

    def _tell(self, why: str) -> None:
        """Say once what keeps the broker away; attempts are silent until it is back or something else is wrong."""
        self.condition = why
        if why not in self._told:
            log.warning("%s: %s; trying again until it is there", self._broker.name, why)
            self._told.add(why)

    def _make_client(self) -> Client:
        client = Client(CallbackAPIVersion.VERSION2, client_id=self._client_id, protocol=self._protocol)
        client.connect_timeout = CONNECT_S
        if self._broker.user is not None:
            client.username_pw_set(self._broker.user, self._broker.password)
        if self._broker.tls is not None:
            client.tls_set_context(self._broker.tls)
        client.on_connect = self._on_connect
        client.on_subscribe = self._on_subscribe
        client.on_disconnect = self._on_disconnect
        client.on_message = self._on_message
        return client

    def _properties(self) -> Properties | None:
        if self._protocol != V5:
            return None
        properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]  # as paho-mqtt has it
        properties.MaximumPacketSize = min(LONGEST_PACKET, ROOM * self._settings.payload_limit)
        return properties

    def _on_connect(self, client: Client, _data: Any, _flags: Any, reason: ReasonCode, _properties: Any) -> None:
        if reason.is_failure:
            text = str(reason)
            hint = f" (mqtt://USER@host, {MQTT_PASSWORD} or mqtt.password_file)" if text in UNKNOWN_USER else ""
            self._attempt.why = text if text == OTHER_PROTOCOL else f"refuses us: {text}{hint}"
            self._attempt.lasting = text not in PASSING
            return
        self._attempt.welcome_s, self._protocol_known = time.monotonic(), True
        self.connects += 1
        self.condition = SUBSCRIBING
        self._asked.clear()
        for one in self._topics:
            self._asked[client.subscribe(one.text, qos=0)[1]] = one.text

    def _on_subscribe(self, _client: Client, _data: Any, mid: int, reasons: list[ReasonCode], _properties: Any) -> None:
        topic = self._asked.pop(mid, "")
        refused = next((reason for reason in reasons if reason.is_failure), None)
        if refused is not None:
            self.condition = f"refuses the subscription to {topic}: {refused}"
            log.warning("%s: connected, but refuses the subscription to %s: %s", self._broker.name, topic, refused)
        else:
            log.info("%s: connected, listens to %s", self._broker.name, topic)
            if not self._asked and self.condition == SUBSCRIBING:
                self.condition = CONNECTED

    def _on_disconnect(self, _client: Client, _data: Any, _flags: Any, reason: ReasonCode, _properties: Any) -> None:
        text = str(reason)
        if text == TAKEN_OVER:
            self._attempt.why, self._attempt.lasting = self._rival, True
        elif self._attempt.welcome_s is not None:
            self._attempt.why = LOST if text == UNTOLD else f"{LOST}: {text}"
        elif text == SILENT:
            self._attempt.why = "does not answer"

    def _on_message(self, _client: Client, _data: Any, message: MQTTMessage) -> None:
        arrival_s = time.monotonic()
        try:
            topic = message.topic
        except UnicodeDecodeError as error:
            topic = error.object.decode(errors="replace")
        self._inbox.put(Message(topic, bytes(message.payload), arrival_s), retained=message.retain)


def _told(error: Exception) -> str:
    """Return what went wrong, for the log."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"not connected, its certificate is refused: {error.verify_message}"
    if isinstance(error, ssl.SSLError):
        return f"not connected, no TLS: {error.reason or error}"
    if isinstance(error, OSError):
        return f"not reachable: {error.strerror or error}"
    return f"connection ended by {error!r}"
