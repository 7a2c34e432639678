"""sink mqtt://user@host:port/prefix and mqtts:// - labels on a broker, topics as in docs/mqtt.md.

    prefix/<device>/activity      the label in force as plain text, retained, QoS 1, on change
    prefix/<device>/prediction    the JSON line of every window, QoS 1 unless mqtt.qos = 0
    prefix/<device>/availability  online | offline (no windows for stale_after_s), retained, QoS 1
    prefix/status                 online | offline: the daemon itself, retained, QoS 1, by Last Will

A label is written when the broker has acknowledged it. While the broker is away labels wait in the sink's queue, and
what was on its way when the connection broke is sent again, in its order and with the id that it had.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Final

from har_stream.broker import Broker, parse_broker, topic_prefix
from har_stream.mqtt.connection import Message
from har_stream.mqtt.link import BrokerLink, OnMessages
from har_stream.mqtt.publisher import AT_ONCE, Publisher
from har_stream.samples import Prediction
from har_stream.settings import IntakeSettings, MqttSettings
from har_stream.sinks.json_lines import encode
from har_stream.uri import Uri

ONLINE, OFFLINE = "online", "offline"
MOST_DEVICES: Final = IntakeSettings().max_devices


class MqttSink:
    """Publishes predictions on a broker. Raises ConfigError for a faulty URI; a broker that is away is no fault.

    At most max_devices devices are remembered, those that spoke last. on_device is called with each device that is not
    known yet, before its first label goes out, in the sink's thread. Others may publish and listen over the same
    connection: announce(), withdraw(), subscribe().
    """

    at_once = AT_ONCE

    def __init__(self, uri: Uri, settings: MqttSettings, *, max_devices: int = MOST_DEVICES) -> None:
        self.broker: Broker = parse_broker(uri, settings)
        self.prefix = topic_prefix(uri)
        self.name = f"{self.broker.name}/{self.prefix}"
        self.on_device: Callable[[str], None] = lambda _: None
        self._settings, self._max_devices = settings, max_devices
        self._wake: Callable[[], None] = lambda: None
        self._seen_s: dict[str, float] = {}
        self._stale: set[str] = set()
        self._was_connected = False
        self._publisher: Publisher[Prediction] = Publisher(self.name, self._messages, self._wake_link)
        self._link = BrokerLink(
            self.broker,
            settings,
            name=self.name,
            client_id=settings.client_id,
            traffic=self._publisher,
            will=Message(self.status_topic, OFFLINE, retain=True),
            on_connected=self._wake_worker,
        )

    @property
    def status_topic(self) -> str:
        """Where the daemon says ONLINE or OFFLINE of itself."""
        return f"{self.prefix}/status"

    def topic(self, device: str, what: str) -> str:
        """Return the topic of a device's activity, prediction or availability."""
        return f"{self.prefix}/{device}/{what}"

    def announce(self, topic: str, payload: str) -> None:
        """Have the broker retain a payload on a topic, now and after each connect. May be called from any thread."""
        self._publisher.retain(topic, payload)

    def withdraw(self, topic: str) -> None:
        """Have the broker retain nothing on a topic any more. May be called from any thread."""
        self._publisher.retain(topic, "")

    def forget(self, topic: str) -> None:
        """Tell a topic no more; what the broker retains there stays. May be called from any thread."""
        self._publisher.forget(topic)

    def subscribe(self, topic_filter: str, on_messages: OnMessages) -> None:
        """Have on_messages called with what fits a filter, in the network's thread: it must not wait."""
        self._link.subscribe(topic_filter, on_messages)

    def start(self, wake: Callable[[], None]) -> None:
        """Begin to connect, for as long as it takes."""
        self._wake = wake
        self._publisher.retain(self.status_topic, ONLINE)
        self._link.open()

    def ready(self) -> bool:
        """Tell whether the broker is connected."""
        return self._link.connected

    @property
    def condition(self) -> str:
        """Why the broker is not connected, "" where it is."""
        return "" if self._link.connected else self._link.condition

    def pass_on(self, predictions: list[Prediction]) -> bool:
        """Leave it to write(), which may wait."""
        return False

    def write(self, predictions: list[Prediction]) -> int:
        """Publish predictions, and wait until the broker has them; returns how many, from the first on, it has.

        Raises PermissionError where it refused some.
        """
        self._note(predictions)
        try:
            return self._publisher.deliver(predictions, alive=self._link.revive)
        finally:
            while len(self._seen_s) > self._max_devices:
                self._forget(next(iter(self._seen_s)))

    def idle(self) -> None:
        """Say offline of devices that went silent."""
        self._link.revive()
        if not self._link.connected:
            self._was_connected = False
            return  # nobody could be heard
        now_s = time.monotonic()
        if not self._was_connected:  # labels of who was not silent have waited for this connect
            self._was_connected = True
            self._seen_s |= dict.fromkeys(self._seen_s.keys() - self._stale, now_s)
        for device, seen_s in self._seen_s.items():
            if seen_s < now_s - self._settings.stale_after_s and device not in self._stale:
                self._stale.add(device)
                self._publisher.retain(self.topic(device, "availability"), OFFLINE)

    def close(self, deadline_s: float) -> None:
        """Say offline of everything, wait for the broker's word on it, and leave."""
        if self._link.connected:
            for device in self._seen_s.keys() - self._stale:
                self._publisher.retain(self.topic(device, "availability"), OFFLINE)
            self._publisher.retain(self.status_topic, OFFLINE)
            self._publisher.flush(deadline_s)
        self._link.close(max(0.0, deadline_s - time.monotonic()))

    def _wake_link(self) -> None:
        self._link.wake()

    def _wake_worker(self) -> None:
        self._wake()

    def _note(self, predictions: list[Prediction]) -> None:
        """Say online of devices that are new or were silent."""
        now_s = time.monotonic()
        for prediction in predictions:
            device = prediction.device
            if device not in self._seen_s:
                self.on_device(device)
            if device in self._stale or device not in self._seen_s:
                self._stale.discard(device)
                self._publisher.retain(self.topic(device, "availability"), ONLINE)
            self._seen_s.pop(device, None)  # so that they stand in the order in which they spoke last
            self._seen_s[device] = now_s

    def _forget(self, device: str) -> None:
        """Say the last of the device that was silent for longest; it stays with the broker alone."""
        del self._seen_s[device]
        self._stale.discard(device)
        self._publisher.retain(self.topic(device, "availability"), OFFLINE, keep=False)
        self._publisher.forget(self.topic(device, "activity"))

    def _messages(self, item: Prediction, *, again: bool) -> Iterator[Message]:
        """Yield what a prediction is published as; one that goes out again is older than the label that is retained."""
        activity = self.topic(item.device, "activity")
        if not again and self._publisher.retained(activity) != item.label:
            yield Message(activity, item.label, qos=1, retain=True)
        yield Message(self.topic(item.device, "prediction"), encode(item), qos=self._settings.qos)
