"""har-bridge sniff: what is on a serial line or a broker, live on a terminal or one JSON line a second in a pipe."""

from __future__ import annotations

import argparse
import logging
import os
import sys
import time
from collections.abc import Callable
from threading import Lock, Thread
from typing import Any, Final

import msgspec

from har_stream.bridge.broker_uri import SCHEMES, client_id, parse_broker_uri
from har_stream.bridge.observation import Observation
from har_stream.bridge.serial_uri import serial_uri
from har_stream.bridge.stop import Stop
from har_stream.configuration import load_settings
from har_stream.errors import ConfigError
from har_stream.formats.reader import AUTO, fits_line
from har_stream.formats.registry import DECODERS
from har_stream.mqtt.connection import Received
from har_stream.mqtt.link import BrokerLink
from har_stream.profiles import Profiles
from har_stream.settings import Settings
from har_stream.sources.serial_line import SerialLine
from har_stream.sources.serial_port import SerialOptions
from har_stream.sources.serial_ports import device_id
from har_stream.sources.topics import TopicFilter, parse_topics

EVERY_S: Final = 1.0
MOST_DEVICES: Final = 1000
DEFAULT_FILTER: Final = "har/+/imu"
LEVELS_OF_DEVICE: Final = 2
"""A topic's last level but one is the device, as in har/<device>/imu."""

log = logging.getLogger(__name__)


class Sniffer:
    """The observations of a line, or of a broker's devices; two threads may call it."""

    def __init__(self, make: Callable[[str], Observation], *, raw: bool) -> None:
        self._make, self._raw = make, raw
        self._observations: dict[str, Observation] = {}
        self._lock = Lock()

    def push(self, device: str, data: bytes, arrival_s: float) -> None:
        """Take what came from a device; print what is in it where that is asked for."""
        with self._lock:
            if device not in self._observations:
                if len(self._observations) >= MOST_DEVICES:
                    return
                self._observations[device] = self._make(device)
            lines = self._observations[device].push(data, arrival_s)
        if self._raw:
            for line in lines:
                sys.stdout.buffer.write(msgspec.json.encode({"device": device} | line) + b"\n")
            sys.stdout.buffer.flush()

    def forget(self, device: str) -> None:
        """Begin anew with a device: what is connected now may be another one."""
        with self._lock:
            self._observations.pop(device, None)

    def facts(self) -> list[dict[str, Any]]:
        """Return what is known of all devices."""
        with self._lock:
            now_s = time.monotonic()
            return [self._observations[device].facts(now_s) for device in sorted(self._observations)]


def sniff(arguments: argparse.Namespace, stop: Stop) -> int:
    """Show what is on a line or broker until the end is asked for."""
    settings = load_settings(arguments.config, os.environ, {})
    if arguments.source.startswith(SCHEMES):
        listen, sniffer = _on_broker(arguments, settings)
    else:
        listen, sniffer = _on_line(arguments, Profiles(settings.profiles, settings.devices))
    failed: list[BaseException] = []

    def work() -> None:
        try:
            listen(stop)
        except Exception as error:  # noqa: BLE001 - the main thread ends with it
            failed.append(error)
            stop.set()

    stop.begun = True
    Thread(target=work, name="listener", daemon=True).start()
    _show(arguments, sniffer, stop)
    if failed:
        raise failed[0]
    return os.EX_OK


def _show(arguments: argparse.Namespace, sniffer: Sniffer, stop: Stop) -> None:
    until_s = time.monotonic() + (arguments.seconds or float("inf"))
    live = None
    if sys.stdout.isatty() and not arguments.raw:
        from rich.live import Live  # noqa: PLC0415 - who writes to a pipe need not load it

        from har_stream.bridge.sniff_table import render  # noqa: PLC0415 - as above

        live = Live(get_renderable=lambda: render(sniffer.facts(), arguments.source), refresh_per_second=4)
        live.start()
    try:
        while not stop.wait(max(0.0, min(EVERY_S, until_s - time.monotonic()))):
            if live is None and not arguments.raw:
                for facts in sniffer.facts():
                    sys.stdout.buffer.write(msgspec.json.encode(facts) + b"\n")
                sys.stdout.buffer.flush()
            if time.monotonic() >= until_s:
                break
    finally:
        if live is not None:
            live.stop()


def _on_line(arguments: argparse.Namespace, profiles: Profiles) -> tuple[Callable[[Stop], None], Sniffer]:
    uri = serial_uri(arguments.source)
    options = uri.options(SerialOptions)
    if options.format != AUTO and options.format not in DECODERS:
        raise ConfigError(f"no format {options.format!r} (known: {AUTO}, {', '.join(DECODERS)})")
    if not fits_line(options.format):
        raise ConfigError(f"a serial line cannot carry the format {options.format!r}")
    profile = profiles.named(options.profile) if options.profile else None
    format_name = profile.format if profile is not None and options.format == AUTO else options.format
    line, device = SerialLine(uri.rest, baud=options.baud), options.device or device_id(uri.rest)

    def make(name: str) -> Observation:
        return Observation(name, profiles, stream=True, format_name=format_name, profile_name=options.profile)

    sniffer = Sniffer(make, raw=arguments.raw)

    def listen(stop: Stop) -> None:
        for data, arrival_s in line.chunks(stop):
            if data:
                sniffer.push(device, data, arrival_s)
            else:
                sniffer.forget(device)

    return listen, sniffer


def _on_broker(arguments: argparse.Namespace, settings: Settings) -> tuple[Callable[[Stop], None], Sniffer]:
    broker = parse_broker_uri(arguments.source, settings.mqtt, wildcards=True)
    topics = parse_topics(broker.path or DEFAULT_FILTER, arguments.source)
    profiles = Profiles(settings.profiles, settings.devices)
    sniffer = Sniffer(lambda name: Observation(name, profiles, stream=False), raw=arguments.raw)
    link = BrokerLink(broker.broker, settings.mqtt, client_id=client_id())
    return lambda stop: _listen(link, topics, sniffer, stop), sniffer


def _listen(link: BrokerLink, topics: tuple[TopicFilter, ...], sniffer: Sniffer, stop: Stop) -> None:
    """Listen on a broker until the end is asked for."""
    failed: list[BaseException] = []

    def take(messages: list[Received]) -> None:
        try:
            for message in messages:
                levels = message.topic.split("/")
                device = levels[-2] if len(levels) >= LEVELS_OF_DEVICE else levels[-1]
                sniffer.push(device, message.payload, message.arrival_s)
        except BaseException as error:  # noqa: BLE001 - told by who waits for it
            failed.append(error)

    for one in topics:
        link.subscribe(one.text, take)
    link.open()
    while not failed and not stop.wait(EVERY_S / 5):
        link.revive()
    link.close()
    if failed:
        raise failed[0]
