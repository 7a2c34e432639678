"""har-bridge sniff in a pipe: what it says of a device, of which the test knows everything."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from har_stream.bridge.observation import Observation
from har_stream.bridge.sniff_table import render
from har_stream.bridge.units import Norm, judged
from har_stream.formats import lines, sensor_logger
from har_stream.profiles import BUILT_IN, G, Profiles
from tests.bridge_process import bridge, virtual_device
from tests.broker import Broker, wait_for


def test_it_tells_format_rate_losses_and_units_of_a_serial_device(tmp_path: Path) -> None:
    link = tmp_path / "imu"
    words = ("--rate", "104", "--script", "standing:60", "--loss", "0.05", "--corrupt", "0.05", "--wait-for-reader")
    with virtual_device(link, *words), bridge("sniff", str(link)) as sniff:
        facts = sniff.facts(  # at once, but where the machine is busy
            lambda one: one["samples_per_s"] == pytest.approx(94, abs=20) and one["refused"].get("checksum", 0) > 1
        )
        code, _ = sniff.end()
    assert code == 0
    assert (facts["device"], facts["format"], facts["profile"]) == ("imu", "frames", "nordic-data-forwarder")
    assert facts["found"] == "binary IMU frames of 'sim01', 6 channels at 104 Hz"
    assert facts["hz"] == pytest.approx(104, rel=0.01)
    assert facts["hz_by"] == "device"
    assert facts["samples_per_s"] == pytest.approx(94, abs=20)
    assert 5 < facts["lost"] < 100
    assert facts["refused"]["checksum"] > 1
    assert facts["units"].startswith("looks like m/s2: norm ")
    assert (facts["at_rest"], facts["units_agree"]) == (True, True)


def test_it_measures_the_rate_of_lines_by_their_arrival(tmp_path: Path) -> None:
    link = tmp_path / "imu"
    words = ("--format", "lines", "--profile", "arduino-lsm6ds", "--script", "standing:60")
    with virtual_device(link, *words), bridge("sniff", f"{link}?profile=mpu6050-raw") as sniff:
        facts = sniff.facts(lambda one: one["hz"] == pytest.approx(104, rel=0.05))
    assert (facts["format"], facts["profile"], facts["hz_by"]) == ("lines", "mpu6050-raw", "arrivals")
    assert facts["hz"] == pytest.approx(104, rel=0.05)
    assert facts["lost"] is None
    assert "looks like g" in facts["units"]
    assert "but it is taken for raw (16384 a g)" in facts["units"]
    assert facts["units_agree"] is False


def test_raw_prints_what_is_decoded_one_a_line(tmp_path: Path) -> None:
    link = tmp_path / "imu"
    with virtual_device(link, "--wait-for-reader"), bridge("sniff", str(link), "--raw") as sniff:
        first, *others = sniff.lines(5)
    assert first["device"] == "imu"
    assert first["session"]["rate_hz"] == 50
    assert [one["sample"]["sequence"] for one in others] == [0, 1, 2, 3]


def test_it_hears_all_devices_of_a_broker(broker: Broker) -> None:
    url = f"mqtt://127.0.0.1:{broker.port}"
    with bridge("sniff", f"{url}/har/+/imu") as sniff, bridge("simulate", "--to", f"{url}/har", "--devices", "2"):
        heard: dict[str, dict[str, object]] = {}

        def both() -> bool:
            (facts,) = sniff.lines(1)
            heard[facts["device"]] = facts
            return {one: has["hz"] for one, has in heard.items()} == {"sim01": 50.0, "sim02": 50.0}

        wait_for(both)
    assert [heard[name]["format"] for name in ("sim01", "sim02")] == ["cbor-block"] * 2
    assert [heard[name]["lost"] for name in ("sim01", "sim02")] == [0, 0]


@pytest.mark.parametrize(
    ("norm", "profile", "says", "agrees"),
    [
        (1.02, "har-block", "looks like g: norm 1.02 at rest", True),
        (9.7, "har-block", "looks like m/s2: norm 9.7 at rest, but it is taken for g", False),
        (9.7, "edge-impulse", "looks like m/s2: norm 9.7 at rest", True),
        (990.0, "har-block", "looks like mg: norm 990 at rest, but it is taken for g", False),
        (16100.0, "mpu6050-raw", "looks like raw (16384 a g): norm 1.61e+04 at rest", True),
        (4100.0, "mpu6050-raw", "looks like raw (4096 a g): norm 4100 at rest, but it is taken for raw", False),
        (0.05, "har-block", "gravity seems removed: norm 0.05 at rest", False),
        (37.0, "har-block", "looks like no unit that is known: norm 37 at rest", False),
    ],
)
def test_units_are_guessed_from_what_gravity_measures(norm: float, profile: str, says: str, agrees: bool) -> None:  # noqa: FBT001
    told, right = judged(Norm(norm, at_rest=True), BUILT_IN[profile], None)
    assert told.startswith(says)
    assert right is agrees


def test_a_phone_without_gravity_is_told_of() -> None:
    rows = json.loads(sensor_logger.encode(np.arange(20) / 50, np.ones((20, 6)), device="phone"))
    rows["payload"] = [row for row in rows["payload"] if row["name"] != "gravity"]
    phone = Observation("phone", Profiles(), stream=False)
    phone.push(json.dumps(rows).encode(), 0.0)
    facts = phone.facts(0.5)
    assert (facts["samples"], facts["hz"], facts["units_agree"]) == (20, 50.0, False)
    assert "without gravity" in facts["units"]


def test_the_table_shows_one_device_at_length_and_several_in_rows() -> None:
    observations = [Observation(name, Profiles(), stream=True) for name in ("left", "right")]
    for observation in observations:
        observation.push(lines.encode(np.tile([0, 0, G, 0, 0, 0.1], (50, 1))), 0.0)
        observation.push(b"ERR: sensor gone\r\n" + lines.encode(np.tile([0, 0, G, 0, 0, 0.1], (50, 1))), 1.0)
    facts = [observation.facts(1.0) for observation in observations]
    for shown in (facts[:1], facts):
        console = Console(width=200, record=True, file=open("/dev/null", "w"))  # noqa: PTH123, SIM115
        console.print(render(shown, "SOURCE"))
        text = console.export_text()
        for word in ("left", "lines", "edge-impulse", "50 Hz by arrivals", "1 device_error", "looks like m/s2"):
            assert word in text
    assert ["right" in text, "nothing heard" in text] == [True, False]
