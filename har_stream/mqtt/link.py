"""The connection to a broker that sources, sinks and har-bridge have: a thread that connects, and comes back.

    connect -> traffic both ways -> lost or refused, told once -> wait (Backoff) -> connect

Subscribed with QoS 0 and a clean session: what a broker kept during an outage comes too late to be of use.
"""

from __future__ import annotations

import logging
import secrets
import ssl
import time
from collections.abc import Callable
from threading import Event, Lock, Thread
from typing import Final, Protocol

from paho.mqtt.client import topic_matches_sub

from har_stream.backoff import Backoff
from har_stream.broker import Broker
from har_stream.mqtt.connection import LOST, OTHER_PROTOCOL, V3, V5, Connection, Message, Received
from har_stream.mqtt.waker import Waker
from har_stream.settings import MqttSettings
from har_stream.sources.source import CONNECTED, CONNECTING

CLOSE_S: Final = 1.0
STEADY_S: Final = 10.0
"""A connection that lasted so long was a good one; one that ends sooner is part of the same trouble."""
MOST_CUT_SHORT: Final = 2
"""Connections in a row that a broker ends soon and without a word: then somebody else may have our client id."""

SUBSCRIBING: Final = "not subscribed yet"
CLOSED: Final = "closes the connection at once (does it ask for TLS, mqtts://?)"
CLOSED_TLS: Final = "closes the connection at once (does it ask for a certificate of ours, mqtt.tls.cert_file?)"

log = logging.getLogger(__name__)

OnMessage = Callable[[Received], None]


class Traffic(Protocol):
    """What goes out over a link. All is called from the link's thread, and must not wait."""

    def begin(self, connection: Connection) -> None:
        """Begin: the broker took us."""

    def turn(self, connection: Connection) -> None:
        """Publish what waits; called after whatever happened and after wake()."""

    def refused(self, mid: int, reason: str) -> None:
        """Note that the broker would not take a message."""

    def end(self) -> None:
        """End: what was not acknowledged may be lost."""


class Silence:
    """The traffic of who only listens."""

    def begin(self, connection: Connection) -> None:
        """Say nothing."""

    def turn(self, connection: Connection) -> None:
        """Say nothing."""

    def refused(self, mid: int, reason: str) -> None:
        """Cannot be."""

    def end(self) -> None:
        """Lose nothing."""


SILENCE: Final = Silence()


class BrokerLink:
    """Keeps a connection while it is open.

    condition tells how it stands: CONNECTED, or why not; connected whether the broker took us, whatever it says to our
    subscriptions; connects how often it took us.
    """

    def __init__(
        self,
        broker: Broker,
        settings: MqttSettings,
        *,
        name: str = "",
        client_id: str = "",
        traffic: Traffic = SILENCE,
        will: Message | None = None,
        on_connected: Callable[[], None] = lambda: None,
    ) -> None:
        self.name = name or broker.name
        self._on_connected = on_connected
        self._broker, self._settings, self._traffic, self._will = broker, settings, traffic, will
        self._given_id = bool(client_id)
        self._client_id = client_id or f"har-stream-{secrets.token_hex(4)}"
        self._backoff = Backoff(least_s=settings.backoff_min_s, most_s=settings.backoff_max_s)
        self._protocol, self._protocol_known = V5, False
        self._cut_short = 0
        self._told: set[str] = set()
        self._subscriptions: dict[str, OnMessage] = {}
        self._to_ask: list[str] = []
        self._asked: dict[int, str] = {}
        self._changing = Lock()
        self._welcome = self._fresh = False
        self.condition = CONNECTING
        self.connected = False
        self.connects = 0
        self._closing = Event()
        self._waker = Waker()
        self._thread = self._new_thread()

    def subscribe(self, topic_filter: str, on_message: OnMessage) -> None:
        """Have on_message called, in the link's thread, with what comes on the topics of a filter; at any time.

        A message that fits the filters of several subscriptions goes to each function once.
        """
        with self._changing:
            self._subscriptions[topic_filter] = on_message
            if self._welcome:
                self._to_ask.append(topic_filter)
        self.wake()

    def open(self) -> None:
        """Begin to connect, for as long as it takes."""
        self._thread.start()

    def wake(self) -> None:
        """Have the traffic's turn() called soon. May be called from any thread."""
        self._waker.wake()

    def revive(self) -> None:
        """Put a new thread in the place of one that died, whatever of."""
        if not self._thread.is_alive() and not self._closing.is_set():
            log.error("%s: the network's thread has died; a new one takes its place", self.name)
            self._thread = self._new_thread()
            self._thread.start()

    def close(self, within_s: float = CLOSE_S) -> None:
        """Leave the broker."""
        self._closing.set()
        self.wake()
        if self._thread.ident is None:
            self._waker.close()
        else:
            self._thread.join(within_s)  # one that sits in an attempt to connect ends later, or with the process

    def _new_thread(self) -> Thread:
        return Thread(target=self._run, name=f"link {self.name}", daemon=True)

    def _run(self) -> None:
        while not self._closing.is_set():
            connection = Connection(
                self._broker,
                self._settings,
                self,
                client_id=self._client_id,
                protocol=self._protocol,
                will=self._will,
            )
            try:
                self._connection(connection)
            except Exception as error:  # noqa: BLE001 - the network and the broker choose what paho raises
                connection.why = connection.why or reason_of(error)
                connection.lasting = isinstance(error, ssl.SSLCertVerificationError)
            if not self._closing.is_set():
                self._closing.wait(self._pause_s(connection))
        self._waker.close()

    def _connection(self, connection: Connection) -> None:
        try:
            connection.run(self._closing, self._waker)
        finally:
            with self._changing:
                self._welcome = self._fresh = self.connected = False
            self._traffic.end()

    # What the connection calls, in the link's thread.

    def welcomed(self) -> None:
        """Begin anew with what is subscribed and published."""
        with self._changing:
            self._to_ask = list(self._subscriptions)
            self._asked.clear()
            self._welcome = True
        self._protocol_known = self._fresh = True
        self.connects += 1
        self.condition = SUBSCRIBING if self._to_ask else CONNECTED
        if not self._to_ask:
            log.info("%s: connected", self.name)

    def turn(self, connection: Connection) -> None:
        """Ask for what is to be subscribed, and let the traffic go out."""
        with self._changing:
            asks, self._to_ask = self._to_ask, []
        for one in asks:
            self._asked[connection.subscribe(one)] = one
        if self._fresh:
            self._fresh = False
            self._traffic.begin(connection)
            self.connected = True
            self._on_connected()
        self._traffic.turn(connection)

    def received(self, message: Received) -> None:
        """Give a message to who wants it; who fails at it is told of, and the connection goes on."""
        with self._changing:
            subscriptions = dict(self._subscriptions)
        wanted = set(subscriptions.values())
        if len(wanted) > 1:
            wanted = {to for one, to in subscriptions.items() if topic_matches_sub(one, message.topic)}
        for on_message in wanted:
            try:
                on_message(message)
            except Exception as error:  # noqa: BLE001 - whatever it is, it must not end the connection
                log.error("%s: %r cannot be taken: %r", self.name, message.topic, error)  # noqa: TRY400 - a line

    def subscribed(self, mid: int, refusal: str) -> None:
        """Tell what the broker says to a subscription."""
        topic = self._asked.pop(mid, "")
        if refusal:
            self.condition = f"refuses the subscription to {topic}: {refusal}"
            log.warning("%s: connected, but refuses the subscription to %s: %s", self.name, topic, refusal)
        else:
            log.info("%s: connected, listens to %s", self.name, topic)
            if not self._asked and self.condition == SUBSCRIBING:
                self.condition = CONNECTED

    def refused(self, mid: int, reason: str) -> None:
        """Pass on that the broker would not take a message."""
        self._traffic.refused(mid, reason)

    # What becomes of a connection that has ended.

    def _pause_s(self, connection: Connection) -> float:
        """Tell what happened, if it was not told yet, and return how long to wait until the next attempt."""
        now_s = time.monotonic()
        if connection.taken_over:
            connection.why = self._rival
        if connection.welcome_s is not None:
            self._judge(connection, steady=now_s - connection.welcome_s >= STEADY_S)
        if connection.why != OTHER_PROTOCOL:
            self._tell(connection.why or (self._closed if connection.welcome_s is None else LOST))
        if connection.reached and connection.welcome_s is None and not connection.lasting and not self._protocol_known:
            self._protocol = V3 if self._protocol == V5 else V5
        return self._backoff.refused() if connection.lasting else self._backoff.missed(now_s)

    @property
    def _closed(self) -> str:
        return CLOSED if self._broker.tls is None else CLOSED_TLS

    def _judge(self, connection: Connection, *, steady: bool) -> None:
        """Begin anew after a good connection; know by those that are cut short who takes our place and says nothing."""
        if steady:
            self._backoff.reset()
            self._told.clear()
        self._cut_short = 0 if steady else self._cut_short + (connection.why == LOST)
        if self._cut_short >= MOST_CUT_SHORT and self._given_id:
            connection.why = f"{LOST} again and again: perhaps {self._rival}"
            connection.lasting = True

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
            log.warning("%s: %s; trying again until it is there", self.name, why)
            self._told.add(why)


def reason_of(error: Exception) -> str:
    """Return what went wrong, for the log."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"not connected, its certificate is refused: {error.verify_message}"
    if isinstance(error, ssl.SSLError):
        return f"not connected, no TLS: {error.reason or error}"
    if isinstance(error, OSError):
        return f"not reachable: {error.strerror or error}"
    return f"connection ended by {error!r}"
