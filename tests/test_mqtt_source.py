"""The source mqtt: with real Mosquittos: what devices send, and what is refused."""

from __future__ import annotations

import time
from collections.abc import Iterable
from threading import Event, Thread
from typing import Any

import numpy as np
import pytest
from paho.mqtt.client import Client

from har_stream.errors import ConfigError
from har_stream.formats import cbor_blocks, frames, json_blocks, phyphox, sensor_logger
from har_stream.profiles import G
from har_stream.samples import Refused, Samples
from har_stream.settings import MqttSettings, QueueSettings, Settings
from har_stream.shard import Part, Rendezvous, Share
from har_stream.sources import is_live, open_source
from har_stream.sources.inbox import Sent
from tests.broker import Broker, free_port, wait_for
from tests.http_client import PATIENCE_S, metrics
from tests.motion import RATE_HZ, model, motion
from tests.mqtt_receiver import LISTENS, STEP, Receiver, block, listening, publisher
from tests.stream_process import books, end, running
from tests.turned_walk import simulated


@pytest.fixture(autouse=True)
def log(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    caplog.set_level("INFO")
    return caplog


# --- the whole stream -------------------------------------------------------------------------------------------------

SCRIPT = (("walking", 24.0), ("laying", 18.0))
PHONE = "5f2ac0de-phone"


def payloads(device: str, values: Samples, at: int) -> tuple[str, bytes]:
    """Topic and payload of a device's samples from the at-th on, each device in a format and units of its own."""
    part, start_s = values[at : at + STEP], at / RATE_HZ
    times_s = start_s + np.arange(len(part)) / RATE_HZ
    si = part.astype(np.float64) * [G, G, G, 1, 1, 1]
    topic = f"har/{device}/imu"
    if device == "cbor":
        return topic, cbor_blocks.encode(part, rate_hz=RATE_HZ, start_s=start_s)
    if device == "json":
        return topic, json_blocks.encode(si, rate_hz=RATE_HZ, start_s=start_s, acc_unit="m/s2")
    if device == "frames":
        session = frames.encode_session(session_id=1, rate_hz=int(RATE_HZ))
        return topic, session + frames.encode_samples(si, sequence=at, start_ms=round(1000 * start_s), rate_hz=RATE_HZ)
    if device == "phyphox":
        return topic, phyphox.encode(times_s, si)
    return "sensor-logger", sensor_logger.encode(times_s, si, device=PHONE)


HOSTILE = [("har/a b/imu", block()), (f"har/{'x' * 300}/imu", block()), ("har//imu", block())]
GARBAGE = [("har/cbor/imu", b"\xa1"), ("har/json/imu", b'{"samples": 1}'), ("sensor-logger", b"hello")]


def publish_all(client: Client, devices: tuple[str, ...], values: Samples) -> None:
    """Publish motion at ten times its speed, the blocks of two devices in pairs that changed places."""
    for turn, at in enumerate(range(0, len(values), STEP)):
        for device in devices:
            swapped = at + (STEP if turn % 2 == 0 else -STEP) if device in {"cbor", "json"} and turn > 1 else at
            if swapped < len(values):
                client.publish(*payloads(device, values, swapped))
        time.sleep(0.05)


def refused_at(port: int) -> float:
    """How many samples a stream has refused so far."""
    values = metrics(port).values.items()
    return sum(value for (_, labels), value in values if ("outcome", "refused") in labels)


def test_devices_of_all_formats_get_their_labels_and_the_books_balance(broker: Broker) -> None:
    values = simulated(",".join(f"{activity}:{seconds:g}" for activity, seconds in SCRIPT))
    devices = ("cbor", "json", "frames", "phyphox", PHONE)
    source, port = f"mqtt://127.0.0.1:{broker.port}", free_port()
    with (
        running("--source", source, "--state", "off", "--sink", "stdout:", "--http", f"127.0.0.1:{port}") as process,
        publisher(broker.port) as client,
    ):
        assert process.stderr is not None
        while b"listens to sensor-logger" not in process.stderr.readline():
            pass
        for topic, payload in HOSTILE + GARBAGE:
            client.publish(topic, payload)
        client.publish("har/cbor/imu", bytes(70_000))
        publish_all(client, devices, values)
        client.publish("har/last/imu", b"\xa1")  # what was sent before comes before
        wait_for(lambda: refused_at(port) == 3 * STEP + len(GARBAGE) + 2)
        ended = end(process)
    assert ended.code == 0
    assert "Traceback" not in ended.said
    for device in devices:
        assert_played([line for line in ended.lines if line["device"] == device])
    assert {line["device"] for line in ended.lines} == set(devices)
    account = books(ended.said)
    assert account["in"] == account["used"] + account["refused"] + account["dropped"] + account["buffered"]
    assert account["in"] >= len(devices) * (len(values) - STEP)
    assert f"device_id {3 * STEP}" in ended.said
    assert "payload_size 1" in ended.said
    assert account["refused"] == 3 * STEP + len(GARBAGE) + 2
    assert "late" not in ended.said
    assert account["dropped"] == 0  # what waited for a sample to come when the end was asked for goes through


def assert_played(lines: list[dict[str, Any]]) -> None:
    """Hold a device's labels against the script."""
    begin_s = 0.0
    for activity, seconds in SCRIPT:
        span = begin_s + 3, begin_s + seconds - 1
        within = [one["label"] for one in lines if span[0] < one["window"][0] and one["window"][1] < span[1]]
        assert len(within) >= 6
        assert within.count(activity) >= 0.8 * len(within), within
        begin_s += seconds


# --- who sends, and how it is read ------------------------------------------------------------------------------------


def test_topic_payload_or_last_level_say_the_device(broker: Broker, caplog: pytest.LogCaptureFixture) -> None:
    with (
        Receiver(f"mqtt://127.0.0.1:{broker.port}/har/+/imu,sensor-logger,lab/belt 3") as receiver,
        publisher(broker.port) as client,
    ):
        wait_for(lambda: f"{LISTENS} lab/belt 3" in caplog.text)
        client.publish("har/watch/imu", block())
        client.publish("lab/belt 3", block())
        client.publish("lab/other", block())
        for at in range(3):  # the alignment waits for what comes after
            times_s = at + np.arange(50) / 50
            client.publish("sensor-logger", sensor_logger.encode(times_s, motion(at, 50) * G, device=PHONE))
        wait_for(lambda: receiver.samples_of("watch") and receiver.samples_of("belt_3") and receiver.samples_of(PHONE))
    assert {one.device for one in receiver.blocks} == {"watch", "belt_3", PHONE}


def test_the_profile_comes_from_the_uri_or_the_settings(broker: Broker, caplog: pytest.LogCaptureFixture) -> None:
    at = np.zeros((STEP, 6))
    at[:, 0] = G
    payload = json_blocks.encode(at, rate_hz=RATE_HZ, start_s=0.0).replace(b"acc_unit", b"of_none")
    for query, devices in [("?profile=phyphox&format=json-block", {}), ("", {"wat*": "phyphox"})]:
        caplog.clear()
        with (
            Receiver(f"mqtt://127.0.0.1:{broker.port}/har/+/imu{query}", devices=devices) as receiver,
            publisher(broker.port) as client,
        ):
            listening(caplog)
            client.publish("har/watch/imu", payload)
            wait_for(lambda one=receiver: one.blocks)
        (one,) = receiver.blocks
        assert not isinstance(one, Refused)
        assert np.allclose(one.values[:, 0], 1.0)


@pytest.mark.parametrize(
    ("uri", "reason"),
    [
        ("mqtt://localhost?format=jsn", "format: Invalid enum value 'jsn'"),
        ("mqtt://localhost?topic=a", "unknown option 'topic'"),
        ("mqtt://localhost?profile=phyphx", "profile: no profile 'phyphx' .did you mean 'phyphox'"),
        ("mqtt://localhost/a,b/#/c", "no topic"),
        ("mqtt://me:hush@host?format=x", "no password in a URI"),
        ("mqtt://me:hu/sh@host", "no password in a URI|no host and port"),
        ("mqtt://me:hu?sh@host", "options are key=value"),
        ("mqtt://me:hush@host?format", "options are key=value"),
        ("mqt://me:hush@host", "unknown source 'mqt' .did you mean 'mqtt'"),
    ],
)
def test_faulty_uris_are_configuration_errors(uri: str, reason: str) -> None:
    with pytest.raises(ConfigError, match=reason) as caught:
        open_source(uri, Settings())
    assert "sh@" not in str(caught.value)


def test_devices_of_a_broker_are_real_ones() -> None:
    assert is_live("mqtt://host")
    assert is_live("mqtts://host")


# --- what is refused --------------------------------------------------------------------------------------------------


def test_what_the_broker_retained_and_what_is_too_long_is_counted(
    broker: Broker, caplog: pytest.LogCaptureFixture
) -> None:
    with publisher(broker.port) as client:
        client.publish("har/old/imu", block(), qos=1, retain=True).wait_for_publish(PATIENCE_S)
        with Receiver(f"mqtt://127.0.0.1:{broker.port}", mqtt=MqttSettings(payload_limit=1000)) as receiver:
            wait_for(lambda: receiver.refused)
            client.publish("har/watch/imu", bytes(1001))
            client.publish("har/watch/imu", block(), retain=True)  # live for who listens while it comes
            client.publish("har/watch/imu", b"\xff" * 1000)
            wait_for(lambda: receiver.refused.total() == 3 and receiver.samples_of("watch") == STEP)
    assert receiver.refused == {"retained": 1, "payload_size": 1, "message": 1}
    assert receiver.samples_of("old") == 0
    assert caplog.text.count("refused (message)") == 1
    assert "'har/watch/imu', 1000 bytes" in caplog.text


def test_what_a_slow_stream_cannot_take_is_counted(
    broker: Broker, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = open_source(f"mqtt://127.0.0.1:{broker.port}", Settings(queues=QueueSettings(messages=5)))
    source.fit(model()[0].framing)
    stop, got, taken = Event(), [], list[Sent]()
    take = source._inbox.put  # type: ignore[attr-defined]  # noqa: SLF001 - nothing else tells that all have come

    def note(messages: Iterable[Sent]) -> None:
        many = list(messages)
        take(many)
        taken.extend(many)

    monkeypatch.setattr(source._inbox, "put", note)  # type: ignore[attr-defined]  # noqa: SLF001 - as above
    with publisher(broker.port) as client:
        ticks = source.blocks(stop)
        first = Thread(target=lambda: got.append(next(ticks)))
        first.start()
        listening(caplog)
        client.publish("har/a/imu", block())
        first.join(PATIENCE_S)
        for number in range(1, 21):  # while nobody asks for the next tick
            client.publish("har/a/imu", block(number / 2))
        wait_for(lambda: len(taken) == 21)
        assert source.queue == (5, 5)
        assert source.progress is not None
        source.progress.add(0, busy_s=0.0, ended_s=0.0)
        source.progress.take()
        asked_s = time.monotonic()
        rest = [*next(ticks)]
        assert source.arrived_s is not None
        source.progress.add(0, busy_s=0.0, ended_s=1.0)
        assert source.progress.take().busy_s > 0, "they had to be translated"
        assert 0 < asked_s - source.arrived_s < 60, "what waits has been there before it is asked for"
        stop.set()
        rest += [one for tick in ticks for one in tick]
    assert [one.samples for one in got[0]] == [STEP]
    assert sum(one.samples for one in rest if isinstance(one, Refused) and one.reason == "source_full") == 15
    assert sum(one.samples for one in rest if not isinstance(one, Refused)) == 5 * STEP


def test_messages_of_another_shard_are_counted_and_not_even_decoded(
    broker: Broker, caplog: pytest.LogCaptureFixture
) -> None:
    ours, other = (next(f"d{n}" for n in range(99) if Rendezvous(2).part_of(f"d{n}") == part) for part in (1, 2))
    share = Share(Part(1, 2))
    with Receiver(f"mqtt://127.0.0.1:{broker.port}", share) as receiver, publisher(broker.port) as client:
        listening(caplog)
        for payload in (b"no block at all", block(), bytes(100_000)):
            client.publish(f"har/{other}/imu", payload)
        client.publish(f"har/{ours}/imu", block())
        wait_for(lambda: receiver.samples_of(ours))
    assert {one.device for one in receiver.blocks} == {ours}
    assert share.elsewhere == 3
