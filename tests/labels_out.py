"""An MQTT sink at work as the daemon lets it, and what a listener makes of what it hears."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager

from har_stream.settings import MqttSettings
from har_stream.sinks.mqtt import MqttSink
from har_stream.sinks.worker import SinkWorker
from har_stream.uri import parse_uri
from tests.mqtt_receiver import quick

LINES = "har/watch/prediction"


@contextmanager
def working(uri: str, settings: MqttSettings | None = None, limit: int = 10_000) -> Iterator[SinkWorker]:
    sink = MqttSink(parse_uri(uri), settings or quick())
    worker = SinkWorker(sink, limit=limit, source_waits=False, on_closed=lambda: None)
    worker.start()
    try:
        yield worker
    finally:
        worker.finish(time.monotonic() + 1)


def firsts(payloads: list[str]) -> dict[str, float]:
    """The times of predictions by their ids, in the order in which these were heard first: what drops doubles keeps."""
    seen: dict[str, float] = {}
    for one in payloads:
        line = json.loads(one)
        seen.setdefault(line["id"], line["time"])
    return seen
