"""har-bridge simulate on a real Mosquitto: what a subscriber hears of one device, and of many."""

from __future__ import annotations

from pathlib import Path

import cbor2
import numpy as np
import pytest

from har_stream.bridge.cbor_array import CborArray
from har_stream.bridge.chance import uniform
from har_stream.bridge.cli import main
from har_stream.formats import cbor_blocks
from har_stream.formats.format import Readings
from har_stream.profiles import Profiles
from har_stream.samples import Refused
from har_stream.translation import Translator
from tests.bridge_process import Subscriber, bridge, performed, signals_kept, values_of
from tests.broker import Broker, wait_for

SCRIPT = "walking:5,sitting:5"
SAMPLES = 100
FORMATS = ("cbor-block", "json-block", "sensor-logger", "phyphox", "sensor-server", "lines")


def test_every_format_of_messages_is_read_back_as_the_motion(broker: Broker) -> None:
    subscriber = Subscriber(broker.port)
    url = f"mqtt://127.0.0.1:{broker.port}/har"
    words = ("--to", url, "--script", SCRIPT, "--duration", str(SAMPLES / 50), "--speed", "max")
    with signals_kept():
        codes = [main(["simulate", *words, "--format", name, "--device", name]) for name in FORMATS]
    assert codes == [0] * len(FORMATS)
    wait_for(lambda: subscriber.messages == 4 * (len(FORMATS) - 1) + 2 * SAMPLES)
    subscriber.close()
    motion = performed(SCRIPT, SAMPLES)
    for name in FORMATS:
        topic = name if name == "sensor-logger" else f"har/{name}/imu"
        translator = Translator(Profiles(), model_rate_hz=50.0, stream=False, rate_hz=50.0)
        payloads = subscriber.payloads[topic]
        blocks = [block for payload in payloads for block in translator.push(payload, 0.0, name)]
        blocks += translator.flush()
        assert values_of(blocks) == pytest.approx(motion, abs=2e-5), name
        assert not [block for block in blocks if isinstance(block, Refused)], name


def test_many_devices_send_evenly_and_what_is_lost_or_damaged_is_counted(broker: Broker) -> None:
    subscriber = Subscriber(broker.port)
    url = f"mqtt://127.0.0.1:{broker.port}/load"
    words = ("--devices", "300", "--duration", "4", "--speed", "4", "--start", "1000", "--every", "0.5")
    with bridge("simulate", "--to", url, *words, "--loss", "0.1", "--corrupt", "0.05") as fleet:
        code, reports = fleet.ended()
    told = reports[-1]
    assert code == 0
    assert told["sent"] + told["lost"] == 300 * 200
    assert told["unsent"] == 0
    assert 0.05 < told["lost"] / 60_000 < 0.15
    wait_for(lambda: subscriber.messages == told["messages"] == told["sent"] // 25)
    subscriber.close()
    assert len(subscriber.payloads) == 300
    assert told["wanted_per_s"] == 300 * 50 * 4


def test_devices_that_are_computed_in_arrays_send_what_a_lone_one_does(broker: Broker) -> None:
    subscriber = Subscriber(broker.port)
    url = f"mqtt://127.0.0.1:{broker.port}/har"
    words = ("--devices", "2", "--script", SCRIPT, "--duration", "2.5", "--speed", "max", "--start", "1000")
    with signals_kept():
        assert main(["simulate", "--to", url, *words]) == 0
    wait_for(lambda: subscriber.messages == 10)
    subscriber.close()
    for device, begin_s in ((0, 1000.0), (1, 1000.25)):
        payloads = subscriber.payloads[f"har/sim0{device + 1}/imu"]
        assert [(cbor_blocks.parse(one) or {})["seq"] for one in payloads] == [0, 25, 50, 75, 100]
        translator = Translator(Profiles(), model_rate_hz=50.0, stream=False)
        blocks = [block for payload in payloads for block in translator.push(payload, 0.0, "a")]
        assert values_of(blocks) == pytest.approx(performed(SCRIPT, 125, device=device), abs=1e-6)
        assert [getattr(block, "start_s", None) for block in blocks] == [begin_s + at / 2 for at in range(5)]


def test_a_broker_that_is_not_there_is_waited_for(tmp_path: Path) -> None:
    broker = Broker(tmp_path)
    url = f"mqtt://127.0.0.1:{broker.port}/har"
    with bridge("simulate", "--to", url, "--duration", "1", "--speed", "max") as device:
        assert device.process.stderr is not None
        assert b"trying again" in device.process.stderr.readline()
        broker.start()
        code, reports = device.ended()
    broker.stop()
    assert (code, reports[-1]["messages"]) == (0, 2)


def test_messages_in_arrays_are_those_of_the_codec() -> None:
    generator = np.random.default_rng(1)
    values = generator.standard_normal((3, 7, 6))
    rows = CborArray(7, 52.0).messages(np.array([0.5, 1e9, -3.0]), np.array([0, 5, 2**32 + 1]), values)
    for lane, row in enumerate(rows):
        message = cbor2.loads(row.tobytes())
        assert (message["t"], message["hz"]) == ([0.5, 1e9, -3.0][lane], 52.0)
        assert message["seq"] == [0, 5, 1][lane]
        (readings,) = cbor_blocks.CborBlocksDecoder().push(row.tobytes())
        assert isinstance(readings, Readings)
        assert np.array_equal(readings.values, values[lane].astype(np.float32))


def test_chance_is_even_and_depends_on_what_is_asked_alone() -> None:
    numbers = np.arange(100_000)
    drawn = uniform(7, 1, 3, numbers)
    assert np.array_equal(drawn[500:600], uniform(7, 1, 3, numbers[500:600]))
    assert np.histogram(drawn, 10, (0, 1))[0] == pytest.approx(10_000, rel=0.05)
    for other in (uniform(8, 1, 3, numbers), uniform(7, 2, 3, numbers), uniform(7, 1, 4, numbers)):
        assert abs(np.corrcoef(drawn, other)[0, 1]) < 0.02
