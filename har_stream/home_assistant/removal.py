"""Takes devices out of Home Assistant again: what the broker retains of them is replaced by nothing."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from har_stream.broker import parse_broker, topic_prefix
from har_stream.devices import LAWFUL_ID
from har_stream.errors import ConfigError, UnavailableError
from har_stream.home_assistant.identity import config_topic, device_of
from har_stream.mqtt.connection import Received
from har_stream.mqtt.link import BrokerLink
from har_stream.mqtt.publisher import Publisher
from har_stream.settings import Settings
from har_stream.sources.source import CONNECTED
from har_stream.uri import parse_uri

CONNECT_S: Final = 10.0
QUIET_S: Final = 0.5
"""After so long without a further message the broker has told all that it retains."""
LONGEST_S: Final = 30.0
POLL_S: Final = 0.05
OWN_TOPICS: Final = ("activity", "availability", "state")
"""What is retained below prefix/device."""


def remove(text: str, settings: Settings, devices: tuple[str, ...], *, own_topics: bool) -> list[str]:
    """Remove devices, all of a sink's if none are named; return those that are removed.

    own_topics removes what is retained of them under the sink's own prefix as well. Raises ConfigError for a faulty
    sink or device, UnavailableError where the broker cannot be reached.
    """
    for device in devices:
        if not LAWFUL_ID.fullmatch(device):
            raise ConfigError(f"{device!r}: a device's id has up to 64 letters, digits, - and _")
    uri = parse_uri(text)
    prefix, discovery_prefix = topic_prefix(uri), settings.home_assistant.discovery_prefix
    publisher: Publisher[str] = Publisher(text, _nothing, lambda: link.wake())  # noqa: PLW0108 - made below
    link = BrokerLink(parse_broker(uri, settings.mqtt), settings.mqtt, name=text, traffic=publisher)
    retained = _Retained()
    link.subscribe(f"{discovery_prefix}/device/+/config", retained.note)
    if own_topics:
        for topic in OWN_TOPICS:
            link.subscribe(f"{prefix}/+/{topic}", retained.note)
    with _connected(link):
        topics = _to_remove(retained.all(), discovery_prefix, prefix, devices)
        for topic in topics:
            publisher.retain(topic, "", keep=False)
        publisher.flush(time.monotonic() + LONGEST_S)
    return sorted(set(topics.values()))


def _nothing(item: str, *, again: bool) -> tuple[()]:  # noqa: ARG001 - the publisher's call
    """Return the messages of an item; there is none, only what is retained."""
    return ()


def _to_remove(found: list[str], discovery_prefix: str, prefix: str, devices: tuple[str, ...]) -> dict[str, str]:
    """Return topics with their devices; that of a device that is named even if nothing is retained on it."""
    topics = {config_topic(discovery_prefix, prefix, device): device for device in devices}
    for topic in found:
        own = topic.removeprefix(f"{prefix}/").rpartition("/")[0] if topic.endswith(OWN_TOPICS) else None
        device = own if own is not None else device_of(topic, discovery_prefix, prefix)
        if device is not None and LAWFUL_ID.fullmatch(device) and (not devices or device in devices):
            topics[topic] = device
    return topics


@contextmanager
def _connected(link: BrokerLink) -> Iterator[None]:
    """Connect for as long as the block lasts."""
    link.open()
    try:
        until_s = time.monotonic() + CONNECT_S
        while link.condition != CONNECTED and time.monotonic() < until_s:
            time.sleep(POLL_S)
        if link.condition != CONNECTED:
            raise UnavailableError(f"{link.name}: {link.condition}")
        yield
    finally:
        link.close()


class _Retained:
    """The topics that the broker retains something on, among those that are subscribed."""

    def __init__(self) -> None:
        self._topics: dict[str, None] = {}
        self._last_s = time.monotonic()

    def note(self, messages: list[Received]) -> None:
        """Take messages (network's thread)."""
        found = [message.topic for message in messages if message.retained and message.payload]
        if found:
            self._topics |= dict.fromkeys(found)
            self._last_s = time.monotonic()

    def all(self) -> list[str]:
        """Return the topics, when no more come."""
        self._last_s, until_s = time.monotonic(), time.monotonic() + LONGEST_S
        while time.monotonic() < min(until_s, self._last_s + QUIET_S):
            time.sleep(POLL_S)
        return list(self._topics)
