"""Tells Home Assistant of a sink's devices, over the sink's own connection, in a thread of its own.

    Today -> which devices have news -> Timetable -> description (once, and when asked again) and state, both retained
    homeassistant/status: online -> all descriptions again

While the broker is away the newest of each topic waits for it, no more.
"""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable
from datetime import date
from threading import Event, Thread
from typing import Final, Protocol

from har_stream.home_assistant.identity import config_topic
from har_stream.home_assistant.payloads import discovery_json, state_json
from har_stream.home_assistant.timetable import Timetable
from har_stream.manifest import Manifest
from har_stream.mqtt.connection import Received
from har_stream.settings import HomeAssistantSettings, Settings
from har_stream.sinks.mqtt import MqttSink
from har_stream.sinks.sink import Sink
from har_stream.today import Today

LOOK_EVERY_S: Final = 0.25
BIRTH: Final = b"online"

log = logging.getLogger(__name__)


class Channel(Protocol):
    """What is asked of the sink; all may be called from any thread."""

    prefix: str

    def announce(self, topic: str, payload: str) -> None:
        """Have the broker retain a payload."""

    def forget(self, topic: str) -> None:
        """Tell a topic no more; what the broker retains there stays."""

    def subscribe(self, topic_filter: str, on_messages: Callable[[list[Received]], None]) -> None:
        """Have on_messages called with what comes; it must not wait."""


class Announcer:
    """Announces devices with the labels of a model, and tells their states; `limit` of them at most."""

    def __init__(
        self,
        channel: Channel,
        today: Today,
        settings: HomeAssistantSettings,
        *,
        labels: tuple[str, ...],
        model: str,
        limit: int,
    ) -> None:
        self._channel, self._today, self._discovery_prefix = channel, today, settings.discovery_prefix
        self._labels, self._model = labels, model
        self._timetable = Timetable(every_s=settings.state_every_s, limit=limit)
        self._mark = 0
        self._untold: set[str] = set()
        self._date: date | None = None
        self._born = self._ending = False
        self._wake = Event()
        self.thread = Thread(target=self._run, name=f"home assistant {channel.prefix}", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._channel.subscribe(f"{self._discovery_prefix}/status", self._on_status)
        self.thread.start()

    def finish(self, deadline_s: float) -> None:
        """Tell what is new and end, at the latest when time.monotonic() reaches deadline_s."""
        self._ending = True
        self._wake.set()
        self.thread.join(max(0.0, deadline_s - time.monotonic()))

    def look(self, now_s: float, wall_s: float) -> None:
        """Do what is due at now_s on the monotonic clock and wall_s since the epoch."""
        if self._born:
            self._born = False
            share = random.random()  # noqa: S311 - so that many daemons do not speak at once; no secret
            self._timetable.announce_all(now_s, share=share)
        for device in self._timetable.to_announce(now_s):
            self._announce(device)
        self._tell_news(now_s, wall_s)
        self._tell_new_day(wall_s)
        for device in self._timetable.forgotten():
            self._forget(device)

    def _run(self) -> None:
        try:
            ending = False
            while not ending:
                self._wake.wait(LOOK_EVERY_S)
                self._wake.clear()
                ending = self._ending
                self.look(time.monotonic(), time.time())
            for device in self._untold:
                self._tell(device, time.time())
        except Exception as error:  # noqa: BLE001 - whatever it is, it is told and the stream goes on without
            log.critical("Home Assistant is told no more: failed: %r", error)

    def _tell_news(self, now_s: float, wall_s: float) -> None:
        self._mark, news = self._today.since(self._mark)
        for device in news:
            standing = self._today.standing(device, wall_s)
            if standing is None:
                continue
            if self._timetable.is_new(device):
                self._announce(device)
            self._untold.add(device)
            if self._timetable.due(device, standing.activity, now_s):
                self._untold.discard(device)
                self._channel.announce(self._state_topic(device), state_json(standing, self._labels))

    def _tell_new_day(self, wall_s: float) -> None:
        """Tell all states at midnight, when the minutes of the day begin anew."""
        before, self._date = self._date, self._today.date(wall_s)
        if before not in {None, self._date}:
            for device in self._timetable.devices:
                self._tell(device, wall_s)

    def _tell(self, device: str, wall_s: float) -> None:
        standing = self._today.standing(device, wall_s)
        if standing is not None:
            self._channel.announce(self._state_topic(device), state_json(standing, self._labels))

    def _announce(self, device: str) -> None:
        payload = discovery_json(self._channel.prefix, device, labels=self._labels, model=self._model)
        self._channel.announce(config_topic(self._discovery_prefix, self._channel.prefix, device), payload)

    def _forget(self, device: str) -> None:
        """Leave what the broker retains of a device to the broker."""
        self._untold.discard(device)
        self._channel.forget(config_topic(self._discovery_prefix, self._channel.prefix, device))
        self._channel.forget(self._state_topic(device))

    def _state_topic(self, device: str) -> str:
        return f"{self._channel.prefix}/{device}/state"

    def _on_status(self, messages: list[Received]) -> None:
        """Note that Home Assistant has come up (network's thread)."""
        if any(message.payload == BIRTH for message in messages):
            self._born = True
            self._wake.set()


def announcer_of(sink: Sink, today: Today, settings: Settings, manifest: Manifest) -> Announcer | None:
    """Return an announcer for a sink that is a broker, None for another."""
    if not isinstance(sink, MqttSink):
        return None
    return Announcer(
        sink,
        today,
        settings.home_assistant,
        labels=manifest.labels,
        model=manifest.name,
        limit=settings.intake.max_devices,
    )
