"""har-bridge simulate on a pseudo-terminal: what a program that opens it reads."""

from __future__ import annotations

import signal
import time
from pathlib import Path

import numpy as np
import pytest

from firmware_bridge.decode import Decoder
from firmware_bridge.protocol import Corrupt, Sample, SessionInfo
from har_stream.bridge.cli import main
from har_stream.profiles import G, Profiles
from har_stream.samples import Refused, TimedBlock
from har_stream.translation import Translator
from tests.bridge_process import performed, read_port, signals_kept, values_of, virtual_device

SCRIPT = "walking:5,sitting:5"
AT_ONCE = ("--wait-for-reader", "--speed", "max", "--script", SCRIPT)
SAMPLES = 400
FINEST_G, FINEST_RADS = 1e-5, 1e-5


@pytest.mark.parametrize(
    ("format_name", "profile", "resolution"),
    [
        ("frames", "nordic-data-forwarder", (1e-6, 1e-6)),
        ("lines", "edge-impulse", (FINEST_G, FINEST_RADS)),
        ("lines", "mpu6050-raw", (1 / 16384, np.radians(1 / 131))),
        ("witmotion", "witmotion", (16 / 32768, np.radians(2000 / 32768))),
    ],
)
def test_every_serial_format_is_read_back_as_the_motion(
    tmp_path: Path, format_name: str, profile: str, resolution: tuple[float, float]
) -> None:
    words = ("--format", format_name, "--profile", profile, "--duration", str(SAMPLES / 50))
    with virtual_device(tmp_path / "imu", *AT_ONCE, *words) as device:
        data = read_port(tmp_path / "imu")
        code, reports = device.ended()
    translator = Translator(
        Profiles(), model_rate_hz=50.0, stream=True, profile=Profiles().named(profile), rate_hz=50.0
    )
    blocks = [block for at in range(0, len(data), 40) for block in translator.push(data[at : at + 40], at / 3000)]
    motion = performed(SCRIPT, SAMPLES)
    off = np.abs(values_of(blocks) - motion)
    assert off.shape == motion.shape
    assert off[:, :3].max() <= resolution[0] / 2 + 1e-6
    assert off[:, 3:].max() <= resolution[1] / 2 + 1e-6
    assert not [block for block in blocks if isinstance(block, Refused)]
    assert (code, reports[-1]["sent"], reports[-1]["lost"]) == (0, SAMPLES, 0)


def test_frames_say_who_sends_at_the_start_and_every_five_seconds(tmp_path: Path) -> None:
    with virtual_device(tmp_path / "imu", *AT_ONCE, "--duration", "11", "--rate", "104", "--device", "belt"):
        frames = Decoder().push(read_port(tmp_path / "imu"))
    sessions = [at for at, frame in enumerate(frames) if isinstance(frame, SessionInfo)]
    first = frames[0]
    assert isinstance(first, SessionInfo)
    assert (first.name, first.rate_hz, sessions) == ("belt", 104, [0, 521, 1042])
    stamps_ms = [frame.timestamp_ms for frame in frames if isinstance(frame, Sample)]
    assert stamps_ms == [round(1000 * number / 104) for number in range(1144)]


def test_loss_and_damage_are_what_is_counted_and_the_same_each_time(tmp_path: Path) -> None:
    words = (*AT_ONCE, "--duration", "20", "--loss", "0.1", "--corrupt", "0.1", "--seed", "5")
    heard = []
    for name in ("one", "two"):
        with virtual_device(tmp_path / name, *words) as device:
            heard.append(read_port(tmp_path / name))
            _, reports = device.ended()
    told = reports[-1]
    frames, again = (Decoder().push(data) for data in heard)
    assert len(heard[0]) == len(heard[1])
    numbers = [frame.sequence for frame in frames if isinstance(frame, Sample)]
    assert numbers == [frame.sequence for frame in again if isinstance(frame, Sample)]
    # To the last bit a value depends on how many were computed with it, and that on how busy the machine is.
    values, others = ([one.values for one in some if isinstance(one, Sample)] for some in (frames, again))
    np.testing.assert_allclose(values, others, rtol=1e-5, atol=1e-6)
    assert len(numbers) == told["sent"] - told["corrupted"]
    assert told["sent"] + told["lost"] == 1000
    assert 60 < told["lost"] < 140
    assert 60 < told["corrupted"] < 130
    assert sum(isinstance(frame, Corrupt) for frame in frames) >= told["corrupted"]


def test_jitter_takes_samples_beside_the_grid_and_says_so(tmp_path: Path) -> None:
    with virtual_device(tmp_path / "imu", *AT_ONCE, "--duration", "8", "--jitter", "0.4"):
        data = read_port(tmp_path / "imu")
    (block,) = Translator(Profiles(), model_rate_hz=50.0, stream=True).push(data, 0.0)
    assert isinstance(block, TimedBlock)
    beside = block.times_s * 50 - np.arange(SAMPLES)
    assert 0.3 < np.abs(beside).max() <= 0.4 + 0.026  # stamps are whole ms, a twentieth of an interval
    motion = performed(SCRIPT, SAMPLES + 1)
    at = np.clip(block.times_s * 50, 0, SAMPLES)
    expected = np.column_stack([np.interp(at, np.arange(SAMPLES + 1), axis) for axis in motion.T])
    near = np.abs(block.values - expected) <= 0.026 * np.abs(np.diff(motion, axis=0)).max() + 1e-5
    assert near.all()


def samples_in(data: bytes) -> list[Sample]:
    return [frame for frame in Decoder().push(data) if isinstance(frame, Sample)]


def test_a_reader_may_go_and_come_back_and_then_the_link_goes(tmp_path: Path) -> None:
    link = tmp_path / "imu"
    with virtual_device(link, "--script", SCRIPT) as device:
        before = samples_in(read_port(link, lambda data: len(samples_in(data)) > 10))
        time.sleep(1.5)
        again = samples_in(read_port(link, lambda data: len(samples_in(data)) > 10))
        code, reports = device.end(signal.SIGINT)
    assert len(before) > 10
    assert len(again) > 10
    assert again[0].sequence > before[-1].sequence + 5
    assert (code, reports[-1]["unheard"] > 5, link.is_symlink()) == (0, True, False)


def test_a_recording_is_played_at_any_rate(tmp_path: Path) -> None:
    motion = performed(SCRIPT, 100)
    rows = [f"{at / 50},{','.join(map(repr, row))}" for at, row in enumerate(motion.tolist())]
    header = "time_s,acc_x_g,acc_y_g,acc_z_g,gyro_x_rads,gyro_y_rads,gyro_z_rads"
    (tmp_path / "belt.csv").write_text("\n".join([header, *rows]))
    words = ("--from", str(tmp_path / "belt.csv"), "--rate", "100", "--wait-for-reader", "--speed", "max")
    with virtual_device(tmp_path / "imu", *words):
        frames = Decoder().push(read_port(tmp_path / "imu"))
    values = np.array([frame.values for frame in frames if isinstance(frame, Sample)])
    assert len(values) == 200
    assert values[::2] == pytest.approx(motion * np.repeat([G, 1.0], 3), abs=1e-5)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("simulate", "--format", "phyphox"), "no serial line carries it"),
        (("simulate", "--format", "frame"), "invalid choice"),
        (("simulate", "--devices", "5"), "a terminal has one device"),
        (("simulate", "--script", "wlaking:3"), "did you mean 'walking'"),
        (("simulate", "--profile", "mpu6050-raw"), "is one of the format lines"),
        (("simulate", "--loss", "2"), "loss is a number from 0 to 1"),
        (("simulate", "--devcie", "a"), "did you mean '--device'"),
        (("simulate", "--to", "tcp://localhost"), "expected mqtt://host:port/prefix"),
        (("simulate", "--to", "mqtt://localhost/har/+"), "no lawful topic"),
        (("simulate", "--link", "/nowhere/imu"), "No such file or directory"),
        (("simulate", "--from", "/nowhere.zip"), "/nowhere.zip"),
        (("simulate", "--to", "mqtt://me:word@localhost"), "no password in a URI"),
        (("run", "/dev/ttyUSB0"), "--to"),
        (("run", "/dev/ttyUSB0?bund=9600", "--to", "mqtt://localhost"), "did you mean 'baud'"),
        (("run", "/dev/ttyUSB0?format=phyphox", "--to", "mqtt://localhost"), "cannot carry"),
        (("run", "/dev/ttyUSB0", "--to", "mqtt://localhost", "--device", "a b"), "--device: letters"),
        (("run", "/dev/ttyUSB0", "--to", "mqtt://localhost", "--block", "5", "--latency-ms", "5"), "not allowed with"),
        (("sniff", "/dev/ttyUSB0?format=frame"), "no format 'frame'"),
        (("sniff", "mqtt://localhost:99999/"), "no host and port"),
    ],
)
def test_what_cannot_be_is_told_in_one_line(
    capsys: pytest.CaptureFixture[str], words: tuple[str, ...], told: str
) -> None:
    with signals_kept():
        code = main(list(words))
    captured = capsys.readouterr()
    assert code in (66, 78)
    assert told in captured.err
    assert captured.err.count("\n") == 1
    assert captured.err.startswith("har-bridge: ")
