"""Where predictions go. A sink is named by a URI; open_sink finds the class that serves its scheme."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from har_stream.errors import ConfigError, nearest
from har_stream.settings import Settings
from har_stream.sinks.json_lines import json_file, json_stdout
from har_stream.sinks.sink import Sink
from har_stream.uri import Uri, parse_uri

BROKERS: Final = ("mqtt", "mqtts")
SCHEMES: Final = ("stdout", "jsonl", "history", *BROKERS)


def is_broker(text: str) -> bool:
    """Tell whether a sink's URI names a broker."""
    return text.partition(":")[0] in BROKERS


def open_sink(text: str, settings: Settings) -> Sink:
    """Open a sink by its URI. Raises ConfigError where the URI is faulty or the file cannot be opened."""
    uri = parse_uri(text)
    if uri.scheme == "stdout":
        return _stdout(uri, settings)
    if uri.scheme == "jsonl":
        return _jsonl(uri)
    if uri.scheme == "history":
        return _history(uri, settings)
    if uri.scheme in BROKERS:
        from har_stream.sinks.mqtt import MqttSink  # noqa: PLC0415 - who has no broker need not load its client

        return MqttSink(uri, settings.mqtt, max_devices=settings.intake.max_devices)
    raise ConfigError(f"{text}: unknown sink {uri.scheme!r}{nearest(uri.scheme, SCHEMES)}")


def _stdout(uri: Uri, settings: Settings) -> Sink:
    if uri.rest or uri.query:
        raise ConfigError(f"{uri.text}: stdout: takes nothing more")
    if sys.stdout is None:
        raise ConfigError("stdout: is closed")
    if not sys.stdout.isatty():
        return json_stdout()
    from har_stream.sinks.terminal import TerminalTable  # noqa: PLC0415 - who writes to a pipe need not load it

    return TerminalTable(max_devices=settings.intake.max_devices)


def _history(uri: Uri, settings: Settings) -> Sink:
    if not uri.rest or uri.query:
        raise ConfigError(f"{uri.text}: expected history:FILE.sqlite")
    from har_stream.history.sink import history_sink  # noqa: PLC0415 - who keeps none need not load it

    return history_sink(Path(uri.rest), settings.history, max_devices=settings.intake.max_devices)


def history_file(sinks: Iterable[str]) -> Path | None:
    """Return the file of the first sink history: among some, None where there is none."""
    found = (sink.removeprefix("history:") for sink in sinks if sink.startswith("history:"))
    path = next(found, "")
    return Path(path).expanduser() if path else None


def _jsonl(uri: Uri) -> Sink:
    if not uri.rest or uri.query:
        raise ConfigError(f"{uri.text}: expected jsonl:FILE")
    return json_file(Path(uri.rest))
