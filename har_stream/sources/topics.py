"""Topic filters, and the device that a topic names: pure, and whatever stands in a topic is only text."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote

from har_stream.devices import LONGEST_ID
from har_stream.errors import ConfigError

DEFAULT_TOPICS: Final = "har/+/imu,sensor-logger"
LONGEST_TOPIC: Final = 65535
"""Bytes of a topic in MQTT."""

ONE, REST = "+", "#"
UNLAWFUL: Final = re.compile(r"[^A-Za-z0-9_-]")


@dataclass(frozen=True, slots=True)
class TopicFilter:
    """A filter such as har/+/imu; the device is the level that its first + stands for."""

    text: str
    levels: tuple[str, ...]
    device_at: int | None

    def fits(self, levels: list[str]) -> bool:
        """Tell whether a topic's levels are among those that the filter means."""
        if self.levels[-1] == REST:
            wanted = self.levels[:-1]
            return len(levels) >= len(wanted) and all(map(_same, wanted, levels))
        return len(levels) == len(self.levels) and all(map(_same, self.levels, levels))


def _same(wanted: str, level: str) -> bool:
    return wanted in (ONE, level)


@dataclass(frozen=True, slots=True)
class Sender:
    """Who sends on a topic: device where the topic says it; else `otherwise` where the payload does not say it."""

    device: str | None
    otherwise: str


def parse_topics(path: str, where: str) -> tuple[TopicFilter, ...]:
    """Return the filters of a URI's path: joined by commas, percent-escapes taken off. Raises ConfigError."""
    texts = [unquote(text, errors="surrogateescape") for text in (path or DEFAULT_TOPICS).split(",")]
    return tuple(_filter(text, where) for text in dict.fromkeys(texts))


def _filter(text: str, where: str) -> TopicFilter:
    levels = tuple(text.split("/"))
    lawful = all(not {ONE, REST, "\0"} & set(level) or level in (ONE, REST) for level in levels)
    # What begins with $ is the broker's own, or a share of a stream, which must not be cut into shares.
    if not text or not lawful or REST in levels[:-1] or text.startswith("$"):
        raise ConfigError(f"{where}: {text!r} is no topic to subscribe to, such as har/+/imu")
    try:
        if len(text.encode()) > LONGEST_TOPIC:
            raise ConfigError(f"{where}: a topic has {LONGEST_TOPIC} bytes at most")
    except UnicodeEncodeError:
        raise ConfigError(f"{where}: topic: not UTF-8 text") from None
    return TopicFilter(text, levels, levels.index(ONE) if ONE in levels else None)


def sender_of(topic: str, filters: tuple[TopicFilter, ...]) -> Sender:
    """Return who sends on a topic. An id is given as it stands there, lawful or not, but no longer than LONGEST_ID."""
    levels = topic.split("/")
    for one in filters:
        if one.device_at is not None and one.fits(levels):
            return Sender(levels[one.device_at][:LONGEST_ID], "")
    return Sender(None, UNLAWFUL.sub("_", levels[-1]))
