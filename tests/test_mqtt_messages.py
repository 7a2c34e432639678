"""What the source mqtt: makes of its messages, without a broker: what is done, and whose they are among workers."""

from __future__ import annotations

import time
from collections import Counter
from typing import Any

import msgspec
import numpy as np
import pytest

from har_stream.formats import json_blocks, sensor_logger
from har_stream.mqtt.connection import Received
from har_stream.samples import Refused, Tick, count, singly
from har_stream.settings import IntakeSettings, Settings
from har_stream.shard import ALL, Part, Share
from har_stream.sources.mqtt import MqttSource
from har_stream.uri import parse_uri
from tests.motion import RATE_HZ, model, motion
from tests.mqtt_receiver import STEP, block


def ready(share: Share = ALL, **settings: Any) -> MqttSource:
    source = MqttSource(parse_uri("mqtt://localhost"), Settings(**settings), share)
    source.fit(model()[0].framing)
    return source


def tick_of(source: MqttSource, *messages: tuple[str, bytes]) -> Tick:
    source._take([Received(topic, payload, False, time.monotonic()) for topic, payload in messages])  # noqa: FBT003, SLF001
    return source._tick(source._translator, 0.0)  # type: ignore[arg-type]  # noqa: SLF001 - fit() has made it


def of_watch(device: str) -> bytes:
    """Return a message of Sensor Logger with the sensors of a watch alone."""
    values = {f"{sensor}{axis}": 0.5 for sensor in ("acceleration", "gravity", "rotationRate") for axis in "XYZ"}
    entries = [{"name": "wrist motion", "time": at * 20_000_000, "values": values} for at in range(STEP)]
    return msgspec.json.encode({"messageId": 0, "sessionId": "s", "deviceId": device, "payload": entries})


def test_messages_are_what_is_done_whatever_they_become() -> None:
    source = ready()
    assert source.progress is not None
    without_times = json_blocks.encode(motion(0, 64), rate_hz=RATE_HZ)
    tick = tick_of(source, ("har/a/imu", without_times), ("har/b/imu", block()))
    assert count(tick) > 2
    assert source.progress.brought() == 2
    assert not tick_of(source, ("har/c/imu", sensor_logger.encode([0.0], np.zeros((1, 6)), device="c")))
    assert source.progress.brought() == 1


@pytest.mark.parametrize("topic", ["har/{}/imu", "sensor-logger"])
def test_what_is_worn_at_the_wrist_is_taken_once_by_workers(topic: str) -> None:
    for number in range(8):
        phone = f"phone-{number}"
        shares = [Share(worker=Part(one, 3)) for one in (1, 2, 3)]
        taken = [share.of(tick_of(ready(share), (topic.format(phone), of_watch(phone)))) for share in shares]
        assert [one.device for tick in taken for one in singly(tick)] == [f"{phone}-wrist"]


def test_what_nobody_decodes_is_counted_by_one_worker() -> None:
    shares = [Share(worker=Part(one, 3)) for one in (1, 2, 3)]
    ticks = [
        share.of(tick_of(ready(share), ("sensor-logger", bytes(70_000)), ("sensor-logger", b"?"))) for share in shares
    ]
    refused = Counter(one.reason for tick in ticks for one in tick if isinstance(one, Refused))
    assert refused == {"payload_size": 1, "format": 1}


def test_devices_of_all_workers_find_room_where_only_the_payload_names_them() -> None:
    source = ready(Share(worker=Part(1, 3)), intake=IntakeSettings(max_devices=2))
    times_s = np.arange(STEP) / RATE_HZ
    phones = [f"p{number}" for number in range(6)]
    tick_of(source, *(("sensor-logger", sensor_logger.encode(times_s, motion(0, STEP), device=one)) for one in phones))
    assert source._translator is not None  # noqa: SLF001 - fit() has made it
    assert list(source._translator._devices) == phones, "nobody was pushed out"  # noqa: SLF001
