"""mqtt: and mqtts: - devices that publish their samples on a broker, in any of the known formats.

    mqtt://user@host:1883/har/+/imu,sensor-logger?format=auto&profile=NAME

Topics are joined by commas (%2C is one within a topic); without any they are har/+/imu and sensor-logger. The device
is the level that a topic's first + stands for; on topics without + the payload says it, or else it is the topic's last
level, with _ for what an id cannot have.

    network thread -> Inbox -> source thread: who sends -> Translator -> the blocks of all that waited, as one tick
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from threading import Event
from typing import Final

import msgspec

from har_stream.broker import parse_broker
from har_stream.errors import ConfigError
from har_stream.manifest import Framing
from har_stream.mqtt.connection import Received
from har_stream.mqtt.link import BrokerLink
from har_stream.profiles import FormatName, Profiles
from har_stream.progress import Progress
from har_stream.samples import Block, FleetBlock, Refused, Tick
from har_stream.settings import Settings
from har_stream.shard import ALL, Share
from har_stream.sources.inbox import Inbox, Sent
from har_stream.sources.source import CONNECTING
from har_stream.sources.topics import parse_topics, sender_of
from har_stream.translation import Translator
from har_stream.uri import Uri
from har_stream.vigil import ASLEEP

POLL_S: Final = 0.25
"""How long a silent source waits before it looks whether it shall end."""

TRANSLATED: Final = 2
"""Devices that are translated for each that the stream takes: a few too many must not push each other out in turn."""

SHOWN: Final = 80
"""Characters of a topic in the log."""

log = logging.getLogger(__name__)


class MqttOptions(msgspec.Struct, frozen=True):
    """What may follow the question mark."""

    format: FormatName = "auto"
    profile: str = ""


class MqttSource:
    """Samples from a broker. Raises ConfigError for a faulty URI or settings; a broker that is away is no fault."""

    paced = True
    devices: int | None = None
    arrived_s: float | None = None
    vigil = ASLEEP

    def __init__(self, uri: Uri, settings: Settings, share: Share = ALL) -> None:
        self._broker = parse_broker(uri, settings.mqtt)
        self._topics = parse_topics(uri.rest.removeprefix("//").partition("/")[2], uri.text)
        self._options = uri.options(MqttOptions)
        self._settings, self._share = settings, share
        self._profiles = Profiles(settings.profiles, settings.devices)
        try:
            self._profile = self._profiles.named(self._options.profile) if self._options.profile else None
        except ConfigError as error:
            raise ConfigError(f"{uri.text}: profile: {error}") from None
        self._progress = Progress()
        self.progress: Progress | None = self._progress
        self._inbox = Inbox(
            messages=settings.queues.messages,
            message_bytes=settings.queues.message_bytes,
            payload_limit=settings.mqtt.payload_limit,
            progress=self._progress,
        )
        self._translator: Translator | None = None
        self._told: set[str] = set()
        self._overloaded = False
        self._link: BrokerLink | None = None

    @property
    def condition(self) -> str:
        """How the connection to the broker stands."""
        return self._link.condition if self._link is not None else CONNECTING

    @property
    def reconnects(self) -> int:
        """How often the broker was lost and came back."""
        return max(0, self._link.connects - 1) if self._link is not None else 0

    @property
    def queue(self) -> tuple[int, int] | None:
        """How many messages wait in the inbox, of how many that may."""
        return self._inbox.waiting, self._settings.queues.messages

    def fit(self, framing: Framing) -> None:
        """Make the translation to the model's rate."""
        self._translator = Translator(
            self._profiles,
            model_rate_hz=framing.rate_hz,
            stream=False,
            format_name=self._options.format,
            profile=self._profile,
            # Where only the payload names them, those of all processes are translated by each.
            max_devices=TRANSLATED * self._settings.intake.max_devices * self._share.parts,
        )

    def blocks(self, stop: Event) -> Iterator[Tick]:
        """Yield the blocks of all messages that wait, as soon as there are some, until `stop` is set."""
        if self._translator is None:
            raise ValueError("fit() comes first")
        self._link = link = self._make_link()
        link.open()
        try:
            while not stop.is_set():
                blocks = self._tick(self._translator, POLL_S)
                if blocks:
                    yield blocks
                link.revive()
        finally:
            link.close()
        while blocks := self._tick(self._translator, 0.0):
            yield blocks
        if blocks := self._translator.flush():
            yield blocks

    def _make_link(self) -> BrokerLink:
        # The sinks' client has the name itself, and may be on the same broker.
        own = self._settings.mqtt.client_id
        link = BrokerLink(self._broker, self._settings.mqtt, client_id=own and f"{own}-in")
        for one in self._topics:
            link.subscribe(one.text, self._take)
        return link

    def _take(self, messages: list[Received]) -> None:
        sent = [Sent(message, sender_of(message.topic, self._topics)) for message in messages]
        self._inbox.put(sent if self._share.whole else [one for one in sent if self._is_ours(one)])

    def _is_ours(self, sent: Sent) -> bool:
        """Tell whether a message is to be taken: for its device, or because only its payload tells whose it is.

        One that nobody will decode is one process's, so that it is not counted by each.
        """
        message, sender = sent.message, sent.sender
        if sender.device is not None:
            return self._share.takes(sender.device)
        decoded = not message.retained and len(message.payload) <= self._settings.mqtt.payload_limit
        return decoded or self._share.takes(sender.otherwise)

    def _tick(self, translator: Translator, timeout_s: float) -> Tick:
        waiting, refused = self._inbox.take(timeout_s)
        self.arrived_s = waiting[0].message.arrival_s if waiting else None
        blocks: list[Block | FleetBlock] = []
        for reason, count in refused.items():
            blocks.append(Refused("", reason, count))
            self._explain(reason, "messages")
        self._tell_overload()
        begun_s = time.monotonic()
        blocks += translator.push_all(
            [
                (sent.message.payload, sent.message.arrival_s, sent.sender.device, sent.sender.otherwise)
                for sent in waiting
            ],
            lambda at, refused: self._explain(refused.reason, _described(waiting[at].message)),
        )
        self._progress.bring(len(waiting), busy_s=time.monotonic() - begun_s)
        return blocks

    def _tell_overload(self) -> None:
        served = self._inbox.shedding.served
        if (served < 1.0) != self._overloaded:
            self._overloaded = served < 1.0
            if self._overloaded:
                out = f"{1 - served:.0%} of the devices sit out, so that the others have labels"
                log.warning("%s: more comes than can be served; %s", self._broker.name, out)
            else:
                log.info("%s: all devices are served again", self._broker.name)

    def _explain(self, reason: str, what: str) -> None:
        """Say of the first that was refused for a reason what it was: the books only count."""
        if reason not in self._told:
            self._told.add(reason)
            log.warning("%s: refused (%s), as will be others without a word: %s", self._broker.name, reason, what)


def _described(message: Received) -> str:
    return f"{message.topic[:SHOWN]!r}, {len(message.payload)} bytes: {message.payload[:SHOWN]!r}"
