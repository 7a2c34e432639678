"""Takes back what a bench left on somebody's broker: labels and availabilities that it retains."""

from __future__ import annotations

import os
import time
from typing import Any, Final

from har_stream.bridge.broker_uri import parse_broker_uri
from har_stream.configuration import load_settings

CONNECT_S: Final = 5.0
SILENCE_S: Final = 1.0
"""After so long without a retained message there is none."""


def clear_retained(uri: str) -> None:
    """Empty all retained topics below a prefix; a broker that is away keeps them."""
    target = parse_broker_uri(uri, load_settings(None, os.environ, {}).mqtt)
    client, heard_s = target.client(), [time.monotonic() + CONNECT_S]

    def subscribe(*_: Any) -> None:
        client.subscribe(f"{target.path}/#")

    def empty(_client: Any, _data: Any, message: Any) -> None:
        if message.retain and message.payload:
            client.publish(message.topic, b"", qos=1, retain=True)
            heard_s[0] = time.monotonic() + SILENCE_S

    client.on_connect, client.on_message = subscribe, empty
    try:
        client.connect(target.broker.host, target.broker.port)
    except OSError:
        return
    while time.monotonic() < heard_s[0]:
        client.loop(0.1)
    client.disconnect()
