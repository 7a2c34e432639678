"""Very many messages to a broker: one write a tick for all of them, QoS 0.

paho-mqtt makes the connection and keeps it alive, in our own thread; the messages are packed here, for to take each by
itself costs a client far more (MQTT 3.1.1, OASIS 2014, 3.3: 30, remaining length, length of the topic, topic, payload).
"""

from __future__ import annotations

import logging
import select
import ssl
import time
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from paho.mqtt.client import Client
from paho.mqtt.enums import MQTTErrorCode

from har_stream.backoff import Backoff
from har_stream.bridge.broker_uri import BrokerUri
from har_stream.bridge.stop import Stop
from har_stream.mqtt.link import reason_of

PUBLISH: Final = 0x30
CONNECT_S: Final = 5.0
BACKOFF_LEAST_S, BACKOFF_MOST_S = 0.5, 10.0
KEEPALIVE_S: Final = 30
SERVICE_S: Final = 0.5
BASE: Final = 128
"""Of the digits of a remaining length."""

log = logging.getLogger(__name__)


def packet_head(topic: str, payload_length: int) -> bytes:
    """Return what stands before a payload of that length."""
    name = topic.encode()
    left, digits = 2 + len(name) + payload_length, bytearray()
    while True:
        left, digit = divmod(left, BASE)
        digits.append(digit | (BASE if left else 0))
        if not left:
            return bytes([PUBLISH]) + bytes(digits) + len(name).to_bytes(2, "big") + name


def packet(topic: str, payload: bytes) -> bytes:
    """Return a message as it goes over the wire."""
    return packet_head(topic, len(payload)) + payload


class Post:
    """A connection to a broker that is made anew whenever it breaks; connected tells whether it stands."""

    def __init__(self, broker: BrokerUri, stop: Stop) -> None:
        self._broker, self._stop = broker, stop
        self._client = broker.client()
        self._client.on_connect = self._on_connect
        self.connected = False
        self._told = False
        self._backoff = Backoff(least_s=BACKOFF_LEAST_S, most_s=BACKOFF_MOST_S)
        self._retry_s, self._serviced_s = 0.0, 0.0
        self._refused = ""

    def service(self) -> bool:
        """Keep the connection alive or try to make it, where it is time for that; tell whether it stands."""
        now_s = time.monotonic()
        if self.connected and now_s - self._serviced_s > SERVICE_S:
            self._serviced_s = now_s
            if self._client.loop(0.0) != MQTTErrorCode.MQTT_ERR_SUCCESS:
                self._lost("connection lost")
        elif not self.connected and now_s >= self._retry_s:
            self._connect()
        return self.connected

    def send(self, packets: bytes | memoryview) -> bool:
        """Write packets; False where the connection broke, and some of them may be lost."""
        left = memoryview(packets)
        while left:
            socket: Any = self._client.socket()
            if socket is None or self._stop.is_set():
                self._lost("connection lost")
                return False
            try:
                left = left[socket.send(left) :]
            except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
                select.select([self._stop], [socket], [], SERVICE_S)
            except OSError as error:
                self._lost(reason_of(error))
                return False
        return True

    def close(self) -> None:
        """Say goodbye, behind all that was sent."""
        if self.connected:
            self._client.disconnect()
            self._client.loop(0.1)

    def _connect(self) -> None:
        try:
            self._client.connect(self._broker.broker.host, self._broker.broker.port, KEEPALIVE_S)
            until_s = time.monotonic() + CONNECT_S
            while not self.connected and time.monotonic() < until_s and not self._stop.is_set():
                if self._client.loop(0.05) != MQTTErrorCode.MQTT_ERR_SUCCESS:
                    break
        except (OSError, ValueError) as error:
            self._lost(reason_of(error))
            return
        if not self.connected:
            self._lost(self._refused or "no answer")

    def _on_connect(self, _client: Client, _data: Any, _flags: Any, reason: Any, _properties: Any) -> None:
        if reason.is_failure:
            self._refused = f"refuses us: {reason}"
            return
        log.info("%s: connected", self._broker.name)
        self.connected, self._told = True, False
        self._backoff.reset()

    def _lost(self, why: str) -> None:
        """Note that there is no connection, tell it once, and when to try again."""
        self.connected = False
        if not self._told and not self._stop.is_set():
            log.warning("%s: %s; trying again until it is there", self._broker.name, why)
        self._told = True
        now_s = time.monotonic()
        self._retry_s = now_s + (self._backoff.refused() if self._refused else self._backoff.missed(now_s))
        self._refused = ""


def as_packets(heads: NDArray[np.uint8], payloads: NDArray[np.uint8]) -> bytes:
    """Return messages of equal length, (d, h) heads and (d, p) payloads, as they go over the wire."""
    return np.concatenate([heads, payloads], axis=1).tobytes()
