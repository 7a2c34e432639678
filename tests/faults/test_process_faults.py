"""Faults 23 to 25: the process is killed, its disk is full, it is told to end; and what it is told is wrong."""

from __future__ import annotations

import json
import os
import random
import resource
import signal
import subprocess
import time
from pathlib import Path
from threading import Event, Thread

import pytest
from paho.mqtt.client import Client

from har_stream.datasets import read_recording
from har_stream.formats import cbor_blocks
from har_stream.state_file import StateFile
from tests.broker import Broker, wait_for
from tests.faults.conftest import Measured
from tests.faults.disks import make_room, small_disk
from tests.faults.length import lasting
from tests.faults.stream import balanced, stream
from tests.held_up import HeldUp
from tests.mqtt_receiver import publisher
from tests.stream_process import command, end, environment, run, running
from tests.turned_walk import simulated

RATE_HZ = 50.0
HOP_S = 1.28
"""Longer ago the newest label's window did not end."""
SPEED = 8
PEOPLE = f"sim:?devices=3&script=walking:20,sitting:4&speed={SPEED}"
LOST_AT_MOST_S = 1.0
DISK_KIB = 64
ROOMY_KIB = 65_536
OUT_WITHIN_S = 5.0
BUSY_KEEPER = """
import sys
from har_stream.cli import main
from har_stream.keeper import Keeper
Keeper.__init__.__kwdefaults__["every_s"] = 0.02
sys.exit(main())
"""
"""har-stream that saves its state all the time."""


def test_23_killed_at_any_moment_all_reopens_and_less_than_a_second_is_lost(tmp_path: Path, measured: Measured) -> None:
    moment = random.Random(23)  # noqa: S311 - when to kill is no secret
    state, lost_s = tmp_path / "state", 0.0
    for number in range(lasting(2, 10)):
        walks = tmp_path / f"walks{number}"
        kept = ("--record", str(walks), "--state", str(state))
        with stream(tmp_path / f"{number}", PEOPLE, *kept, http=False, program=BUSY_KEEPER) as one:
            wait_for(lambda stream=one: stream.labelled > 15)
            held_up = HeldUp(one.process.pid)
            wait_for(lambda stream=one: stream.labelled > 30)
            time.sleep(0.5 * moment.random())
            held_up_s = held_up.look()
            one.kill()
            assert "set aside" not in one.said
            newest = {line["device"]: line["time"] for line in one.lines}
        recordings = {path.name.partition("_")[0]: read_recording(path) for path in walks.iterdir()}
        assert set(recordings) == set(newest)
        for device, recording in recordings.items():
            recorded_s = (len(recording.values) - 1) / RATE_HZ
            lost_s = max(lost_s, (newest[device] + HOP_S - recorded_s) / SPEED - held_up_s)
        assert run("--source", f"replay:{walks}?speed=max").code == 0
        assert set(StateFile(state).read()) == set(newest)
        assert not list(state.glob("*.damaged*"))
    assert lost_s < LOST_AT_MOST_S
    measured(f"killed {number + 1} times: {lost_s:.2f} s of recording lost at most")


def test_23_a_torn_end_is_left_out_with_a_warning(tmp_path: Path) -> None:
    run("--source", "sim:?script=walking:30&loop=no&speed=max", "--record", str(tmp_path))
    (path,) = tmp_path.iterdir()
    path.write_bytes(path.read_bytes()[:-1000])
    ended = run("--source", f"replay:{path}?speed=max")
    assert ended.code == 0
    assert len(ended.lines) > 10
    assert ended.said.count("WARNING") == ended.said.count("its end is torn off") == 1
    balanced(ended.said)


def test_24_on_a_full_disk_labels_go_on_and_when_there_is_room_so_does_the_recording(
    tmp_path: Path, measured: Measured
) -> None:
    with small_disk(tmp_path / "walks", DISK_KIB) as walks:
        filler = walks / "filler"
        filler.write_bytes(bytes(1024 * DISK_KIB // 2))
        with stream(tmp_path / "stream", PEOPLE, "--record", str(walks)) as one:
            full = f"record: {walks} cannot be written"
            wait_for(lambda: one.unready == [full])
            assert one.metrics.get("recording_failing") == 1
            given = one.labelled
            wait_for(lambda: one.labelled > given + 30)
            wait_for(lambda: one.metrics.get("recording_samples_total", outcome="lost") > 0)
            recorded = one.metrics.get("recording_samples_total", outcome="recorded")
            filler.unlink()
            make_room(walks, ROOMY_KIB)  # else it may be full once more before anybody looks
            wait_for(lambda: not one.unready)
            wait_for(lambda: one.metrics.get("recording_samples_total", outcome="recorded") > recorded)
            lost = one.metrics.get("recording_samples_total", outcome="lost")
            said = one.end().said
    assert said.count("can be written again") == 1
    assert said.count("No space left on device; samples are not recorded until it can be written") == 1
    measured(f"{lost:.0f} samples not recorded, and counted")


def test_24_where_files_may_not_grow_what_is_recorded_is_whole_and_the_rest_counted(tmp_path: Path) -> None:
    most = 20_000
    process = subprocess.Popen(
        command("--source", PEOPLE, "--record", str(tmp_path)),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment(),
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (most, most)),  # noqa: PLW1509 - no threads here
    )
    assert process.stdout is not None
    for _ in range(60):
        assert json.loads(process.stdout.readline())["label"]
    ended = end(process, within_s=60)
    assert ended.code == 0
    assert "Traceback" not in ended.said
    assert ended.said.count("File too large; samples are not recorded until it can be written") == 1
    told = next(line for line in ended.said.splitlines() if "not recorded" in line and "in 3 files" in line)
    recorded, lost = (int(told.split(word)[0].split()[-1]) for word in (" samples recorded", " not recorded"))
    account = balanced(ended.said)
    assert lost > 0
    assert recorded + lost == account["in"] - account["dropped"]
    assert recorded == sum(len(read_recording(path).values) for path in tmp_path.iterdir())


# --- told to end ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("source", "number"),
    [
        ("sim:?devices=2&speed=20", signal.SIGTERM),
        ("sim:?devices=2&speed=20", signal.SIGINT),
        ("sim:?devices=3&speed=max", signal.SIGTERM),
        ("sim:?speed=1e5", signal.SIGTERM),
        ("sim:?devices=9&speed=1e6", signal.SIGINT),
    ],
)
def test_25_a_signal_drains_and_ends_within_five_seconds(source: str, number: int) -> None:
    with running("--source", source, "--sink", "jsonl:/dev/null") as process:
        assert process.stderr is not None
        assert b"model" in process.stderr.readline()
        time.sleep(1)
        ended = end(process, number, within_s=OUT_WITHIN_S)
    assert ended.code == 0
    assert "Traceback" not in ended.said
    assert balanced(ended.said)["in"] > 0


def hammer(client: Client, stop: Event) -> None:
    """Publish the samples of 50 devices as fast as it goes."""
    values, at = simulated("walking:60"), 0
    while not stop.is_set():
        payload = cbor_blocks.encode(values[at % 2500 : at % 2500 + 25], rate_hz=RATE_HZ, start_s=at / RATE_HZ)
        for number in range(50):
            client.publish(f"har/d{number}/imu", payload)
        at += 25
        time.sleep(0.01)


def test_25_with_every_part_at_work_a_signal_ends_it_within_five_seconds(
    tmp_path: Path, broker: Broker, measured: Measured
) -> None:
    at, stop = f"mqtt://127.0.0.1:{broker.port}", Event()
    sinks = ("--sink", f"{at}/har", "--sink", f"history:{tmp_path / 'har.sqlite'}", "--home-assistant")
    kept = ("--record", str(tmp_path / "walks"), "--state", str(tmp_path / "state"))
    with stream(tmp_path / "stream", f"{at}/har/+/imu", *sinks, *kept) as one, publisher(broker.port) as client:
        one.wait_to_say("listens to har/+/imu")
        load = Thread(target=hammer, args=(client, stop), daemon=True)
        load.start()
        wait_for(lambda: one.labelled > 500, 60)
        asked_s = time.monotonic()
        ended = one.end(OUT_WITHIN_S)
        took_s = time.monotonic() - asked_s
        stop.set()
        load.join()
    (told,) = (line for line in ended.said.splitlines() if "jsonl:" in line and "labels written" in line)
    assert f": {len(ended.lines)} labels written, 0 dropped" in told
    assert balanced(ended.said)["in"] > 0
    assert len(StateFile(tmp_path / "state").read()) == 50
    measured(f"out after {took_s:.1f} s")


@pytest.mark.parametrize(
    ("config", "told"),
    [
        ("[intake]\nmax_devicse = 3\n", "unknown key 'intake.max_devicse' (did you mean 'intake.max_devices'?)"),
        ("[queues]\nlabels = 0\n", "queues.labels"),
        ("[mqtt]\nqos = nan\n", "mqtt.qos"),
        ("hop = [", "config.toml"),
    ],
)
def test_25_a_faulty_configuration_is_one_line_that_names_the_key(tmp_path: Path, config: str, told: str) -> None:
    (tmp_path / "config.toml").write_text(config)
    ended = run("--source", "sim:", "--config", str(tmp_path / "config.toml"))
    assert ended.code == os.EX_CONFIG == 78
    assert told in ended.said
    assert len(ended.said.splitlines()) == 1
