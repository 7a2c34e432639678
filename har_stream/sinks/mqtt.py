"""sink mqtt://host:port/prefix - labels on a broker, topics as in the README.

    prefix/<device>/activity      the label in force as plain text, retained, QoS 1, on change
    prefix/<device>/prediction    the JSON line of every window, QoS 0
    prefix/<device>/availability  online | offline (no windows for stale_after_s), retained, QoS 1
    prefix/status                 online | offline: the daemon itself, retained, QoS 1, by Last Will

While the broker is away the labels wait in the sink's queue; the network loop of paho-mqtt reconnects.
"""

from __future__ import annotations

import logging
import secrets
import time
from collections.abc import Callable
from typing import Any, Final
from urllib.parse import urlsplit

from paho.mqtt.client import Client, MQTTMessageInfo
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode

from har_stream.errors import ConfigError
from har_stream.samples import Prediction
from har_stream.settings import MqttSettings
from har_stream.sinks.json_lines import encode
from har_stream.uri import Uri

DEFAULT_PORT: Final = 1883
DEFAULT_PREFIX: Final = "har"
ONLINE, OFFLINE = "online", "offline"

log = logging.getLogger(__name__)


class MqttSink:
    """Publishes predictions on a broker. Raises ConfigError for a faulty URI; a broker that is away is no fault."""

    def __init__(self, uri: Uri, settings: MqttSettings) -> None:
        self._host, self._port, self._prefix = _parse(uri)
        self.name = f"mqtt://{self._host}:{self._port}/{self._prefix}"
        self._settings = settings
        self._wake: Callable[[], None] = lambda: None
        self._away = False
        self._connected = False
        self._activity: dict[str, str] = {}
        self._seen_s: dict[str, float] = {}
        self._stale: set[str] = set()
        self._announce = False
        self._unconfirmed: list[MQTTMessageInfo] = []
        self._client = self._make_client()

    def start(self, wake: Callable[[], None]) -> None:
        """Begin to connect, for as long as it takes."""
        self._wake = wake
        self._client.connect_async(self._host, self._port, keepalive=self._settings.keepalive_s)
        self._client.loop_start()

    def ready(self) -> bool:
        """Tell whether the broker is connected."""
        return self._connected

    def write(self, predictions: list[Prediction]) -> int:
        """Publish predictions, each device's label where it changed, and who is online again.

        Where the connection breaks, what it did not take waits for the next one.
        """
        self._announce_again()
        for taken, prediction in enumerate(predictions):
            self._note(prediction)
            topic = f"{self._prefix}/{prediction.device}/prediction"
            if self._client.publish(topic, encode(prediction), qos=0).rc != MQTTErrorCode.MQTT_ERR_SUCCESS:
                self._connected = False
                return taken
        return len(predictions)

    def idle(self) -> None:
        """Say offline of devices that went silent."""
        if not self._connected:
            return  # nobody could be heard; the next connect begins anew
        self._announce_again()
        silent_since_s = time.monotonic() - self._settings.stale_after_s
        for device, seen_s in self._seen_s.items():
            if seen_s < silent_since_s and device not in self._stale:
                self._stale.add(device)
                self._retain(f"{device}/availability", OFFLINE)

    def close(self, deadline_s: float) -> None:
        """Say offline of everything, wait for the broker's word on it, and leave."""
        if not self._connected:
            return  # nobody hears it; the network thread ends with the process
        for device in self._seen_s.keys() - self._stale:
            self._retain(f"{device}/availability", OFFLINE)
        self._retain("status", OFFLINE)
        for info in self._unconfirmed:
            if self._connected:
                info.wait_for_publish(max(0.0, deadline_s - time.monotonic()))
        self._client.disconnect()
        self._client.loop_stop()

    def _note(self, prediction: Prediction) -> None:
        """Publish what a prediction changes in what is retained of its device."""
        device = prediction.device
        if device in self._stale or device not in self._seen_s:
            self._stale.discard(device)
            self._retain(f"{device}/availability", ONLINE)
        self._seen_s[device] = time.monotonic()
        if self._activity.get(device) != prediction.label:
            self._activity[device] = prediction.label
            self._retain(f"{device}/activity", prediction.label)

    def _make_client(self) -> Client:
        client_id = self._settings.client_id or f"har-stream-{secrets.token_hex(4)}"
        client = Client(CallbackAPIVersion.VERSION2, client_id=client_id)
        client.will_set(f"{self._prefix}/status", OFFLINE, qos=1, retain=True)
        client.reconnect_delay_set(self._settings.backoff_min_s, self._settings.backoff_max_s)
        client.on_connect = self._on_connect
        client.on_connect_fail = self._on_connect_fail
        client.on_disconnect = self._on_disconnect
        return client

    # The callbacks run on paho's thread, which an exception would end for good: they set flags and log, no more.

    def _on_connect(self, _client: Client, _data: Any, _flags: Any, reason: Any, _properties: Any) -> None:
        if reason.is_failure:
            self._say_away(f"refuses us: {reason}")
            return
        log.info("%s: connected", self.name)
        self._away, self._announce, self._connected = False, True, True
        self._wake()

    def _on_connect_fail(self, _client: Client, _data: Any) -> None:
        self._say_away("not reachable")

    def _on_disconnect(self, _client: Client, _data: Any, _flags: Any, reason: Any, _properties: Any) -> None:
        if self._connected and reason.is_failure:
            self._say_away(f"connection lost: {reason}")
        self._connected = False
        self._wake()

    def _say_away(self, why: str) -> None:
        """Say once that the broker is away; retries are silent until it is back."""
        if not self._away:
            log.warning("%s: %s; trying again until it is there", self.name, why)
        self._away = True

    def _announce_again(self) -> None:
        """After a connect: what is retained may be gone with the broker that was there before."""
        if not self._announce:
            return
        self._announce = False
        self._retain("status", ONLINE)
        now_s = time.monotonic()  # labels of who was not silent have waited for this connect
        self._seen_s |= dict.fromkeys(self._seen_s.keys() - self._stale, now_s)
        for device, activity in self._activity.items():
            self._retain(f"{device}/availability", OFFLINE if device in self._stale else ONLINE)
            self._retain(f"{device}/activity", activity)

    def _retain(self, topic: str, payload: str) -> None:
        """Publish what is retained; while the broker is away nothing is, the next connect tells it all."""
        self._unconfirmed = [info for info in self._unconfirmed if not info.is_published()]
        if self._connected:
            info = self._client.publish(f"{self._prefix}/{topic}", payload, qos=1, retain=True)
            if info.rc == MQTTErrorCode.MQTT_ERR_SUCCESS:
                self._unconfirmed.append(info)


def _parse(uri: Uri) -> tuple[str, int, str]:
    """Return host, port and topic prefix. Raises ConfigError that says what is wrong."""
    try:
        parts = urlsplit(uri.text)
        host, port = parts.hostname, parts.port or DEFAULT_PORT
    except ValueError:
        raise ConfigError(f"{uri.text}: the port is a number up to 65535") from None
    if not host or parts.query or parts.fragment or parts.port == 0:
        raise ConfigError(f"{uri.text}: expected mqtt://host:port/prefix")
    if parts.username or parts.password:
        raise ConfigError("sink mqtt: no user or password in a sink's URI: it would stand in the process list")
    prefix = parts.path.strip("/") or DEFAULT_PREFIX
    if any(not level or set("+#\0") & set(level) for level in prefix.split("/")) or prefix.startswith("$"):
        raise ConfigError(f"{uri.text}: {prefix!r} is no lawful topic prefix")
    return host, port, prefix
