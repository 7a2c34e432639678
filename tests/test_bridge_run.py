"""har-bridge run: a serial device on a broker, and labels there as if the daemon had the port itself."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from har_stream.accounting import Accounting
from har_stream.bridge.chance import uniform
from har_stream.bridge.cutting import Cutting
from har_stream.bridge.line_simulation import times_s
from har_stream.bridge.motion import between
from har_stream.bridge.payloads import Device, line_parts
from har_stream.bridge.uniform_samples import UniformSamples
from har_stream.formats import cbor_blocks
from har_stream.profiles import BUILT_IN, Profiles
from har_stream.samples import Block, Prediction
from har_stream.settings import IntakeSettings
from har_stream.translation import Translator
from tests.bridge_process import Subscriber, bridge, performed, values_of, virtual_device
from tests.broker import Broker, wait_for, with_password
from tests.certificates import authority
from tests.motion import pipeline

SCRIPT = "walking:14,sitting:12,walking_upstairs:14"
SECONDS = 40
AT_ONCE = 7
"""Samples that a port gives at once."""


def stream_of(format_name: str, rate_hz: float, jitter: float, loss: float) -> list[tuple[bytes, float]]:
    """What comes from a device with uneven times and holes, one of them a second long: chunks and their arrival."""
    device = Device(
        0, "belt", 1, rate_hz, BUILT_IN[{"frames": "nordic-data-forwarder"}.get(format_name, "edge-impulse")], 0
    )
    numbers = np.arange(round(SECONDS * rate_hz))
    at_s = times_s(1, np.array([0]), numbers[np.newaxis], rate_hz, jitter)[0]
    parts = line_parts(format_name, device, 0, at_s, between(performed(SCRIPT, SECONDS * 50), at_s * 50))
    kept = (uniform(1, 1, 0, numbers) >= loss) & ~((at_s > 18) & (at_s < 19))
    left = [(part.payloads[0], at) for part, at, stays in zip(parts, at_s.tolist(), kept, strict=True) if stays]
    groups = (left[at : at + AT_ONCE] for at in range(0, len(left), AT_ONCE))
    return [(b"".join(data for data, _ in group), group[-1][1]) for group in groups]


def labels(ticks: Iterable[list[Block]]) -> list[Prediction]:
    stream = pipeline()
    return [prediction for blocks in ticks for prediction in stream.push(blocks, 0.0)]


@pytest.mark.parametrize(
    ("format_name", "rate_hz", "jitter", "loss", "block"),
    [
        ("frames", 50.0, 0.0, 0.0, 25),
        ("frames", 104.0, 0.3, 0.02, 5),
        ("frames", 47.0, 0.3, 0.02, 64),
        ("lines", 50.0, 0.0, 0.0, 5),
    ],
)
def test_labels_at_the_daemon_are_those_of_a_port_of_its_own(
    format_name: str, rate_hz: float, jitter: float, loss: float, block: int
) -> None:
    near = Translator(Profiles(), model_rate_hz=50.0, stream=True)
    far = Translator(Profiles(), model_rate_hz=50.0, stream=False)
    uniform_samples = UniformSamples(IntakeSettings(), Accounting(), rate_hz=50.0)
    cutting = Cutting(block=block, rate_hz=50.0)
    direct, bridged = [], []
    for data, arrival_s in stream_of(format_name, rate_hz, jitter, loss):
        blocks = near.push(data, arrival_s, "belt")
        direct.append(blocks)
        messages = cutting.push(uniform_samples.push(blocks))
        bridged += [far.push(message.payload, arrival_s, "belt") for message in messages]
    bridged += [far.push(message.payload, 0.0, "belt") for message in cutting.flush()]
    bridged.append(far.flush())
    expected, got = labels(direct), labels(bridged)
    assert len(expected) > 20
    assert [one.label for one in got] == [one.label for one in expected]
    assert [one.end_s for one in got] == pytest.approx([one.end_s for one in expected], abs=0.01)
    assert [one.confidence for one in got] == pytest.approx([one.confidence for one in expected], abs=1e-5)


def test_a_serial_device_is_heard_on_the_broker_as_blocks(tmp_path: Path, broker: Broker) -> None:
    subscriber = Subscriber(broker.port)
    link, url = tmp_path / "imu", f"mqtt://127.0.0.1:{broker.port}/home/har"
    words = ("--wait-for-reader", "--script", "walking:9", "--duration", "4", "--corrupt", "0.02")
    with virtual_device(link, *words) as device, bridge("run", str(link), "--to", url, "--device", "belt") as run:
        _, sent = device.ended()
        code, reports = run.end()
    told = reports[-1]
    assert (code, told["run"], told["broker"]) == (0, "ended", "connected")
    assert told["samples"] == 200 - sent[-1]["corrupted"] + sum(told["refused"].values())
    assert told["waiting"] == told["dropped"] == 0
    wait_for(lambda: subscriber.messages == told["messages"])
    subscriber.close()
    payloads = subscriber.payloads["home/har/belt/imu"]
    maps = [cbor_blocks.parse(payload) or {} for payload in payloads]
    assert {one["hz"] for one in maps} == {50.0}
    assert [one["seq"] for one in maps] == list(range(0, told["published"], 5))
    begin_s = maps[0]["t"]  # the first frame may have been damaged
    assert [one["t"] for one in maps] == pytest.approx([begin_s + one["seq"] / 50 for one in maps])
    translator = Translator(Profiles(), model_rate_hz=50.0, stream=False)
    values = values_of([block for payload in payloads for block in translator.push(payload, 0.0, "belt")])
    whole = (np.abs(values - performed("walking:9", 200)[round(begin_s * 50) :][: len(values)]) < 1e-5).all(axis=1)
    assert len(values) == told["published"] >= 195
    assert whole.mean() > 0.9  # where a frame was damaged a straight line stands


def test_while_the_broker_is_away_the_newest_messages_wait(tmp_path: Path) -> None:
    broker = Broker(tmp_path)
    link, url = tmp_path / "imu", f"mqtt://127.0.0.1:{broker.port}/har"
    words = ("--queue", "10", "--block", "5", "--device", "belt", "--every", "0.2")
    with virtual_device(link, "--wait-for-reader"), bridge("run", str(link), "--to", url, *words) as run:
        said = run.process.stderr
        assert said is not None
        wait_for(lambda: b'"dropped":0' not in (line := said.readline()) and b'"dropped"' in line)
        broker.start()
        subscriber = Subscriber(broker.port)
        wait_for(lambda: subscriber.messages > 15)
        code, reports = run.end()
    told = reports[-1]
    taken = told["published"] + told["dropped"] + told["waiting"]

    def heard() -> list[dict[str, Any]]:
        return [cbor_blocks.parse(payload) or {} for payload in subscriber.payloads["har/belt/imu"]]

    wait_for(lambda: taken == heard()[-1]["seq"] + len(heard()[-1]["val"].value) // 24)
    subscriber.close()
    broker.stop()
    sequences = [one["seq"] for one in heard()]
    assert code == 0
    assert told["dropped"] > 0
    assert sequences == sorted(set(sequences))


def test_with_tls_and_a_password_a_device_is_passed_on_and_the_password_told_nowhere(tmp_path: Path) -> None:
    ours = authority(tmp_path)
    _, *certificate = ours.issue("IP:127.0.0.1")
    broker = Broker(tmp_path, *with_password(tmp_path, "anna", "hush-hush"), *certificate)
    broker.start()
    link, url = tmp_path / "imu", f"mqtts://anna@127.0.0.1:{broker.port}/har"
    config, password = tmp_path / "config.toml", tmp_path / "password"
    password.write_text("hush-hush\n")
    password.chmod(0o600)
    config.write_text(f'[mqtt]\npassword_file = "{password}"\n[mqtt.tls]\nca_file = "{ours.certificate}"\n')
    words = ("--device", "belt", "--config", str(config), "--every", "0.2")
    with virtual_device(link, "--wait-for-reader"), bridge("run", str(link), "--to", url, *words) as run:
        said = run.process.stderr
        assert said is not None
        lines = [said.readline()]
        while b'"published":0' in lines[-1] or b'"published"' not in lines[-1]:
            lines.append(said.readline())
            assert lines[-1], lines
        code, reports = run.end()
    broker.stop()
    assert (code, reports[-1]["broker"]) == (0, "connected")
    assert b"hush" not in b"".join(lines)
