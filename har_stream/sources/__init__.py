"""Where samples come from. A source is named by a URI; open_source finds the class that serves its scheme."""

from __future__ import annotations

from typing import Final

from har_stream.errors import ConfigError, nearest
from har_stream.settings import Settings
from har_stream.shard import ALL, Share
from har_stream.sources.replay import Replay
from har_stream.sources.source import Source
from har_stream.uri import parse_uri

SCHEMES: Final = ("mqtt", "mqtts", "replay", "serial", "sim")

NOT_LIVE: Final = frozenset({"replay", "sim"})
"""Sources whose devices are recorded or made up: nothing that is learned from them holds for a real device."""


def is_live(text: str) -> bool:
    """Tell whether a source's URI names one of real devices."""
    return text.partition(":")[0] not in NOT_LIVE


def open_source(text: str, settings: Settings, share: Share = ALL) -> Source:
    """Open a source by its URI; what it can tell to be of devices outside `share` it need not bring.

    Raises ConfigError for a faulty URI, InputError for unreadable data.
    """
    if not text:
        raise ConfigError("no source: give --source URI, such as sim: or replay:PATH")
    uri = parse_uri(text)
    if uri.scheme == "replay":
        return Replay(uri, settings)
    if uri.scheme == "sim":
        from har_stream.sources.simulator import Simulator  # noqa: PLC0415 - SciPy's signal package takes a second

        return Simulator(uri)
    if uri.scheme == "serial":
        from har_stream.sources.serial_port import SerialPort  # noqa: PLC0415 - who has no port need not load it

        return SerialPort(uri, settings)
    if uri.scheme in ("mqtt", "mqtts"):
        from har_stream.sources.mqtt import MqttSource  # noqa: PLC0415 - who has no broker need not load its client

        return MqttSource(uri, settings, share)
    raise ConfigError(f"{uri.text}: unknown source {uri.scheme!r}{nearest(uri.scheme, SCHEMES)}")
