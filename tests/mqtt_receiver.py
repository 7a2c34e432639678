"""Runs the source mqtt: as the daemon does, for its tests."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event, Thread
from typing import Any, Self

import pytest
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion

from har_stream.formats import cbor_blocks
from har_stream.samples import Block, Refused, singly
from har_stream.settings import MqttSettings, Settings
from har_stream.shard import ALL, Share
from har_stream.sources import open_source
from tests.broker import wait_for
from tests.motion import RATE_HZ, model, motion

STEP = 25
NOT_REACHABLE = "not reachable"
LISTENS = "listens to"


class Receiver:
    """Runs a source as the daemon does, and keeps what it brings."""

    def __init__(self, uri: str, share: Share = ALL, **settings: Any) -> None:
        self.blocks: list[Block] = []
        self.stop = Event()
        self._source = open_source(uri, Settings(**settings), share)
        self._source.fit(model()[0].framing)
        self._thread = Thread(target=self._run)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop.set()
        self._thread.join(60)
        assert not self._thread.is_alive()

    @property
    def refused(self) -> Counter[str]:
        counts: Counter[str] = Counter()
        for block in self.blocks:
            if isinstance(block, Refused):
                counts[block.reason] += block.samples
        return counts

    def samples_of(self, device: str) -> int:
        return sum(block.samples for block in self.blocks if block.device == device and not isinstance(block, Refused))

    def _run(self) -> None:
        for tick in self._source.blocks(self.stop):
            assert tick
            self.blocks += singly(tick)


@contextmanager
def publisher(port: int, *, websockets_port: int | None = None, user: str = "", password: str = "") -> Iterator[Client]:
    client = Client(CallbackAPIVersion.VERSION2, transport="websockets" if websockets_port else "tcp")
    if user:
        client.username_pw_set(user, password)
    client.connect("127.0.0.1", websockets_port or port)
    client.loop_start()
    wait_for(client.is_connected)
    yield client
    client.disconnect()
    client.loop_stop()


def block(start_s: float = 0.0, samples: int = STEP) -> bytes:
    return cbor_blocks.encode(motion(1, samples), rate_hz=RATE_HZ, start_s=start_s)


def listening(caplog: pytest.LogCaptureFixture, times: int = 1) -> None:
    wait_for(lambda: caplog.text.count(f"{LISTENS} har/+/imu") == times)


def quick(**settings: Any) -> MqttSettings:
    return MqttSettings(backoff_min_s=1, backoff_max_s=1, **settings)
